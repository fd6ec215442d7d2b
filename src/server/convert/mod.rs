//! Converts between protocol types and the library's: positions in the client's encoding and byte offsets, candidates
//! and completion items. The only module that knows both; it contains no policy.

mod items;
mod paths;
mod position;

pub use items::{NextTokensAnswer, Style, completion_list, inline_completion, next_tokens};
pub use paths::paths;
pub use position::{Encoding, offset};

use position::range;
