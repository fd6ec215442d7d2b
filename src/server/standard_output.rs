//! Standard output as a stream of whole messages.

use std::fs::File;
use std::io::{self, Write};

use super::output::Stream;

/// Standard output without the line buffer of [`io::Stdout`], which would split a message into two writes.
pub struct StandardOutput {
    file: File,
    /// Whether it is a pipe or a socket. The system does not report how much a terminal accepts without blocking.
    is_pipe: bool,
}

impl StandardOutput {
    /// Opens standard output.
    pub fn open() -> io::Result<Self> {
        #[cfg(unix)]
        let owned = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
        #[cfg(windows)]
        let owned =
            std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
        let file = File::from(owned);
        Ok(Self {
            is_pipe: is_pipe(&file)?,
            file,
        })
    }
}

#[cfg(unix)]
fn is_pipe(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    let kind = file.metadata()?.file_type();
    Ok(kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn is_pipe(_: &File) -> io::Result<bool> {
    Ok(false)
}

impl Stream for StandardOutput {
    #[cfg(unix)]
    fn is_ready(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut polled = [PollFd::new(&self.file, PollFlags::OUT)];
        self.is_pipe
            && poll(&mut polled, Some(&Timespec::default())) == Ok(1)
            && polled[0].revents() == PollFlags::OUT
    }

    #[cfg(not(unix))]
    fn is_ready(&self) -> bool {
        self.is_pipe
    }
}

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
