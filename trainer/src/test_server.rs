//! A web server for tests: a single-threaded server on a local port with scripted responses.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

/// A running server and its log of requests.
pub struct Server {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// A response. A truncated one announces its full body and closes early.
#[derive(Clone)]
pub struct Answer {
    pub status: &'static str,
    pub headers: &'static str,
    pub body: Vec<u8>,
    pub cut: Option<usize>,
}

impl Answer {
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: "200 OK",
            headers: "Content-Type: text/html",
            body: body.into(),
            cut: None,
        }
    }

    pub fn status(status: &'static str) -> Self {
        let body = Vec::new();
        Self {
            status,
            ..Self::ok(body)
        }
    }
}

impl Server {
    /// Answers each path, given the number of earlier requests for it.
    pub fn start(answer: impl Fn(&str, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::<String>::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let first = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                let before = {
                    let mut seen = seen.lock().unwrap();
                    let before = seen.iter().filter(|&earlier| *earlier == path).count();
                    seen.push(path.clone());
                    before
                };
                let Answer {
                    status,
                    headers,
                    body,
                    cut,
                } = answer(&path, before);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                // The client may have disconnected.
                let _ = stream.write_all(head.as_bytes());
                let _ = stream.write_all(&body[..cut.unwrap_or(length)]);
            }
        });
        Self { url, requests }
    }

    /// The requested paths so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}
