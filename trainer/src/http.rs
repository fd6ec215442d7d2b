//! HTTP client for GET requests with retries and cancellation: transient failures are retried, and Ctrl-C ends every
//! wait.
//!
//! Does not depend on what is fetched. Proxies come from the environment (`https_proxy`, `no_proxy`).

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};
use ureq::http::header::RETRY_AFTER;
use ureq::http::{Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, ResponseExt};

use crate::host::Host;

/// Maximum attempts per request.
const ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles with each attempt.
pub const PAUSE: Duration = Duration::from_secs(1);
/// Maximum wait that a server may request.
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
/// Timeout for connecting, for the response, and between two reads.
const SILENCE: Duration = Duration::from_mins(1);
/// Maximum page size: the longest lists of an index have about ten megabytes.
const LARGEST_PAGE: u64 = 64 << 20;
const AGENT: &str = concat!("minicopilot-trainer/", env!("CARGO_PKG_VERSION"));

/// Makes requests, one at a time.
pub struct Client<'h> {
    agent: Agent,
    pause: Duration,
    host: &'h dyn Host,
}

/// A page that was fetched whole.
pub struct Page {
    /// The final URL after redirects.
    pub url: String,
    /// Without parameters, in lower case.
    pub content_type: String,
    pub text: String,
}

/// Why an attempt failed.
enum Failure {
    /// A transient failure, with the server's `Retry-After` if given.
    Passing(anyhow::Error, Option<Duration>),
    Lasting(anyhow::Error),
}

/// The server answered with this status.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    url: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: the server answered {}", self.url, self.status)
    }
}

impl std::error::Error for Refused {}

impl<'h> Client<'h> {
    /// A client that trusts the certificates in `file`, or the system's if None, and waits `pause` before the first
    /// retry.
    pub fn new(file: Option<&Path>, pause: Duration, host: &'h dyn Host) -> Result<Self> {
        let certificates = match file {
            Some(file) => read_certificates(file)?,
            None => rustls_native_certs::load_native_certs()
                .certs
                .iter()
                .map(|certificate| Certificate::from_der(certificate).to_owned())
                .collect(),
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(certificates)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(AGENT)
            .http_status_as_error(false)
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build();
        Ok(Self {
            agent: config.new_agent(),
            pause,
            host,
        })
    }

    /// Fetches a page of text.
    pub fn page(&self, url: &str, accept: &str, header: Option<(&str, &str)>) -> Result<Page> {
        self.get(url, accept, header, |mut response| {
            let content_type = response.body().mime_type().unwrap_or_default();
            let content_type = content_type.to_ascii_lowercase();
            let url = response.get_uri().to_string();
            let mut text = Vec::new();
            let body = response.body_mut().as_reader();
            body.take(LARGEST_PAGE).read_to_end(&mut text)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            Ok(Page {
                url,
                content_type,
                text,
            })
        })
    }

    /// Downloads at most `most` bytes to `path`; returns the SHA-256. `progress` receives the bytes so far, which
    /// restart at 0 with each attempt.
    pub fn download(
        &self,
        url: &str,
        header: Option<(&str, &str)>,
        path: &Path,
        most: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<String> {
        let mut buffer = vec![0; 1 << 16];
        self.get(url, "*/*", header, |mut response| {
            let unwritable = |error| {
                let what = format!("{}: cannot be written; free up space there", path.display());
                Cut::Lasting(anyhow::Error::new(error).context(what))
            };
            let mut out = File::create(path).map_err(unwritable)?;
            let (mut hash, mut length) = (Sha256::new(), 0);
            let mut body = response.body_mut().as_reader();
            loop {
                self.check().map_err(Cut::Lasting)?;
                let read = match body.read(&mut buffer)? {
                    0 => break,
                    read => &buffer[..read],
                };
                length += read.len() as u64;
                if length > most {
                    let longer = anyhow!("{}: longer than {most} bytes", shown(url));
                    return Err(Cut::Lasting(longer));
                }
                hash.update(read);
                out.write_all(read).map_err(unwritable)?;
                progress(length);
            }
            out.sync_all().map_err(unwritable)?;
            Ok(minicopilot::files::fingerprint::finish(hash))
        })
    }

    /// Returns an error if the user has cancelled.
    pub fn check(&self) -> Result<()> {
        ensure!(
            !self.host.cancelled(),
            "interrupted; downloads are kept, and the same command continues from there"
        );
        Ok(())
    }

    fn get<T>(
        &self,
        url: &str,
        accept: &str,
        header: Option<(&str, &str)>,
        mut read: impl FnMut(Response<Body>) -> Result<T, Cut>,
    ) -> Result<T> {
        let mut pause = self.pause;
        for attempt in 1.. {
            self.check()?;
            let failure = match self.attempt(url, accept, header, &mut read) {
                Ok(read) => return Ok(read),
                Err(failure) => failure,
            };
            match failure {
                Failure::Passing(_, asked) if attempt < ATTEMPTS => {
                    self.wait(asked.unwrap_or(pause).min(LONGEST_PAUSE))?;
                    pause *= 2;
                }
                Failure::Passing(error, _) => {
                    return Err(error.context(format!("gave up after {ATTEMPTS} attempts")));
                }
                Failure::Lasting(error) => return Err(error),
            }
        }
        bail!("{}: not tried", shown(url))
    }

    fn attempt<T>(
        &self,
        url: &str,
        accept: &str,
        header: Option<(&str, &str)>,
        read: &mut impl FnMut(Response<Body>) -> Result<T, Cut>,
    ) -> Result<T, Failure> {
        let mut request = self.agent.get(url).header("Accept", accept);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.call().map_err(|error| {
            let passes = passes(&error);
            let error = anyhow!("{}: {error}", shown(url));
            if passes {
                Failure::Passing(error, None)
            } else {
                Failure::Lasting(error)
            }
        })?;
        let status = response.status();
        if !status.is_success() {
            let asked = response.headers().get(RETRY_AFTER);
            let asked = asked.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
            let error = anyhow::Error::new(Refused {
                status,
                url: shown(url),
            });
            let passes = status.is_server_error()
                || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
            return Err(if passes {
                Failure::Passing(error, asked.map(Duration::from_secs))
            } else {
                Failure::Lasting(error)
            });
        }
        read(response).map_err(|cut| match cut {
            Cut::Network(error) => {
                let error = anyhow!("{}: the download was cut off: {error}", shown(url));
                Failure::Passing(error, None)
            }
            Cut::Lasting(error) => Failure::Lasting(error),
        })
    }

    /// Waits for `pause` or until cancelled.
    fn wait(&self, pause: Duration) -> Result<()> {
        let start = Instant::now();
        while let Some(left) = pause.checked_sub(start.elapsed())
            && !left.is_zero()
        {
            self.check()?;
            thread::sleep(left.min(Duration::from_millis(100)));
        }
        Ok(())
    }
}

/// Why reading a response was cut short.
enum Cut {
    Network(io::Error),
    Lasting(anyhow::Error),
}

impl From<io::Error> for Cut {
    fn from(error: io::Error) -> Self {
        Self::Network(error)
    }
}

/// Whether a request that failed with this error may succeed when retried.
fn passes(error: &ureq::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    match error {
        ureq::Error::Timeout(_) => true,
        ureq::Error::Io(error) => [
            BrokenPipe,
            ConnectionAborted,
            ConnectionReset,
            TimedOut,
            UnexpectedEof,
        ]
        .contains(&error.kind()),
        _ => false,
    }
}

fn read_certificates(file: &Path) -> Result<Vec<Certificate<'static>>> {
    let name = file.display();
    let wrong = "set PIP_CERT, or `cert` in pip's configuration, to a file of PEM certificates";
    let pem = std::fs::read(file).with_context(|| format!("{name}: cannot be read; {wrong}"))?;
    let items = parse_pem(&pem).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = items.collect();
    ensure!(
        !certificates.is_empty(),
        "{name}: contains no certificate; {wrong}"
    );
    Ok(certificates)
}

/// A URL for messages: without user name and password.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}
