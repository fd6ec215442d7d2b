// Formats Lua files as StyLua does, or with --check says which are not formatted; the program itself comes as WebAssembly
// in the npm package @johnnymorganz/stylua.
//
//   node stylua.mjs PACKAGE [--check] FILE...

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [path, ...rest] = process.argv.slice(2);
const { Config, IndentType, OutputVerification, formatCode } = createRequire(import.meta.url)(path);
const isCheck = rest[0] === "--check";
let differing = 0;
for (const file of isCheck ? rest.slice(1) : rest) {
    const config = Config.new();
    config.indent_type = IndentType.Spaces;
    config.indent_width = 2;
    config.column_width = 120;
    const code = readFileSync(file, "utf8");
    const formatted = formatCode(code, config, undefined, OutputVerification.None);
    if (formatted === code) continue;
    differing += 1;
    console.log(`${file} is not formatted`);
    if (!isCheck) writeFileSync(file, formatted);
}
process.exit(isCheck && differing > 0 ? 1 : 0);
