//! Between the protocol's terms and the library's: positions in the client's encoding against byte offsets, the
//! completer's candidates against completion items. The only place that knows both; it decides nothing.

mod items;
mod paths;
mod position;

pub use items::{NextTokensAnswer, Style, completion_list, inline_completion, next_tokens};
pub use paths::paths;
pub use position::{Encoding, offset};

use position::range;
