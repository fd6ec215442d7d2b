//! `minicopilot/nextTokens`.

use serde::Deserialize;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::TextDocumentPositionParams;

use super::super::convert::{self, NextTokensAnswer};
use super::super::requests::RequestError;
use super::HandlerContext;

/// A position, and the number of tokens to return.
#[derive(Debug, Deserialize)]
pub struct NextTokensParams {
    #[serde(flatten)]
    at: TextDocumentPositionParams,
    k: usize,
}

/// The `k` most probable next tokens at a position.
pub async fn next_tokens(
    server: &HandlerContext,
    params: NextTokensParams,
) -> Result<NextTokensAnswer> {
    let uri = params.at.text_document.uri;
    let snapshot = server.session().snapshot(&uri, params.at.position);
    let Some(snapshot) = snapshot else {
        return Err(Error::invalid_params(format!(
            "{} is not open",
            uri.as_str()
        )));
    };
    let document = snapshot.document;
    let answer = server
        .requests
        .next_tokens(uri, &document, snapshot.cursor, params.k)
        .await;
    match answer {
        Ok(found) => Ok(convert::next_tokens(&document, found)),
        Err(RequestError::Outdated) => Ok(NextTokensAnswer::none(&document)),
        Err(RequestError::Failed) => Err(Error::internal_error()),
    }
}
