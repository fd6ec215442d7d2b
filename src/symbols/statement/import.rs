//! Imports: one symbol for each name that an import statement binds.

use super::Statement;
use crate::symbols::imports::{ImportStatement, ImportedName};
use crate::symbols::name::Name;
use crate::symbols::table::{Import, Span, SymbolKind};
use crate::symbols::token::TokenKind;

impl Statement<'_, '_> {
    pub(super) fn declare_import(&mut self) {
        let kinds = self.tokens.iter().map(|token| token.kind);
        let Some(statement) = ImportStatement::parse(kinds) else {
            return;
        };
        for ImportedName { path, alias } in &statement.names {
            let last = path[path.len() - 1];
            let bound = alias.unwrap_or(if statement.is_from { last } else { path[0] });
            let is_star = self.kind(last) == TokenKind::Star;
            let module = if statement.is_from {
                &statement.module
            } else {
                path
            };
            let table = &mut self.builder.table;
            let start = table.tokens.len() as u32;
            let names = module.iter().map(|&at| self.tokens[at].name);
            table.tokens.extend(names);
            let import = Import {
                level: statement.level.min(255) as u8,
                is_star,
                is_plain: !statement.is_from && alias.is_none(),
                is_own_package: statement.level > 0,
                path: Span {
                    start,
                    end: table.tokens.len() as u32,
                },
                member: (statement.is_from && !is_star).then_some(self.tokens[last].name),
                bound: if is_star {
                    Name::NONE
                } else {
                    self.tokens[bound].name
                },
            };
            // Inside a function, it binds a local.
            let is_local = table.is_exact && self.builder.is_in_function();
            if is_local && !self.builder.keeps_locals {
                continue;
            }
            let number = self.builder.table.imports.len() as u32;
            self.builder.table.imports.push(import);
            let scope = self.binding_scope();
            self.add(import.bound, bound, scope, SymbolKind::Import(number));
        }
    }
}
