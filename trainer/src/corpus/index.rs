//! Client of a package index's simple API: resolves the URL of a package's file. Requests JSON (PEP 691) and accepts
//! HTML (PEP 503).

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use ureq::http::StatusCode;

use super::manifest::Item;
use crate::http::{Client, Page, Refused, shown};

const JSON: &str = "application/vnd.pypi.simple.v1+json";
const ACCEPT: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";

/// The URL of a manifest's file in the index.
pub fn url(client: &Client<'_>, index: &str, item: &Item) -> Result<String> {
    let Item { package, file, .. } = item;
    let page = format!("{index}/{}/", normalised(package));
    let page = client.page(&page, ACCEPT, None).map_err(|error| {
        match error.downcast_ref::<Refused>() {
            Some(Refused { status, .. }) if *status == StatusCode::NOT_FOUND => anyhow!(
                "{file}: the index {} has no package {package}; set PIP_INDEX_URL to another index",
                shown(index)
            ),
            _ => error.context(format!(
                "{file}: cannot be looked up; check the network and PIP_INDEX_URL"
            )),
        }
    })?;
    match find(&page, file).with_context(|| format!("{file}: cannot be looked up"))? {
        Some(url) => Ok(url),
        None => bail!(
            "{file}: no longer in the index {}; set PIP_INDEX_URL to another index, or remove its line from the \
             manifest",
            shown(index)
        ),
    }
}

/// A package's normalised name (PEP 503).
fn normalised(package: &str) -> String {
    let parts = package.split(['-', '_', '.']);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("-").to_ascii_lowercase()
}

#[derive(Deserialize)]
struct Project {
    files: Vec<ProjectFile>,
}

#[derive(Deserialize)]
struct ProjectFile {
    filename: String,
    url: String,
}

fn find(page: &Page, file: &str) -> Result<Option<String>> {
    let found = if page.content_type == JSON {
        let project: Project = serde_json::from_str(&page.text).with_context(|| {
            format!(
                "{}: not a page of PyPI's simple API; check PIP_INDEX_URL",
                shown(&page.url)
            )
        })?;
        let mut files = project.files.into_iter();
        files
            .find(|found| found.filename == file)
            .map(|found| found.url)
    } else {
        links(&page.text).find(|url| {
            let path = url.split(['#', '?']).next().unwrap_or_default();
            decoded(path.rsplit('/').next().unwrap_or_default()) == file
        })
    };
    Ok(found.map(|url| joined(&page.url, url.split('#').next().unwrap_or_default())))
}

/// The targets of the anchors of an HTML page.
fn links(html: &str) -> impl Iterator<Item = String> + '_ {
    html.match_indices("<a").filter_map(|(start, _)| {
        let tag = &html[start + 2..];
        let tag = &tag[..tag.find('>')?];
        let value = tag
            .starts_with(char::is_whitespace)
            .then(|| tag.split_once("href"))??
            .1;
        let value = value.trim_start().strip_prefix('=')?.trim_start();
        let value = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next()?,
            _ => value.split_whitespace().next()?,
        };
        let value = value.replace("&#43;", "+").replace("&#x2B;", "+");
        Some(value.replace("&amp;", "&"))
    })
}

/// Decodes `%XX` escapes.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        let hex = behind
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Resolves a reference on the page at `base` to an absolute URL.
fn joined(base: &str, reference: &str) -> String {
    if reference.contains("://") {
        return reference.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    if let Some(host) = reference.strip_prefix("//") {
        return format!("{scheme}://{host}");
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if reference.starts_with('/') {
        return format!("{scheme}://{host}{reference}");
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("{scheme}://{host}/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(content_type: &str, text: &str) -> Page {
        Page {
            url: "https://me:word@host/root/simple/some-name/".to_owned(),
            content_type: content_type.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn files_are_found_in_html_and_json() {
        let html = page(
            "text/html",
            "<!DOCTYPE html><body><abbr>x</abbr><a>none</a>\
             <a data-x=1 href=\"https://files/a%2Bb/some_name-1%2B2.tar.gz?q=1&amp;r=2#sha256=00\">x</a>\n\
             <A href=x></a><a\n  href='../../f/some_name-2.whl#sha256=1'>y</a><a href=/z/some_name-3.zip>z",
        );
        let json = page(
            JSON,
            r#"{"meta": {}, "files": [{"filename": "some_name-2.whl", "url": "../../f/1"}]}"#,
        );
        for (page, file, url) in [
            (
                &html,
                "some_name-1+2.tar.gz",
                Some("https://files/a%2Bb/some_name-1%2B2.tar.gz?q=1&r=2"),
            ),
            (
                &html,
                "some_name-2.whl",
                Some("https://me:word@host/root/f/some_name-2.whl"),
            ),
            (
                &html,
                "some_name-3.zip",
                Some("https://me:word@host/z/some_name-3.zip"),
            ),
            (&html, "some_name-4.zip", None),
            (
                &json,
                "some_name-2.whl",
                Some("https://me:word@host/root/f/1"),
            ),
            (&json, "1", None),
        ] {
            assert_eq!(find(page, file).unwrap().as_deref(), url);
        }
        assert!(find(&page(JSON, "<html>"), "x").is_err());
        assert_eq!(normalised("Some._Name"), "some-name");
    }
}
