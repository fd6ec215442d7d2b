//! A language-server client.
