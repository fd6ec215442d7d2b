//! A parallel pipeline that preserves the order of its items and bounds their number in memory.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Result, anyhow};

/// Receives the next item; breaks if no more are wanted.
pub type Sink<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Runs `produce` on one thread, `map` on `threads` others, and `consume` on the calling thread, in production order.
/// The first error of `produce` or `consume` ends the pipeline; items produced before an error of `produce` are still
/// consumed.
pub fn ordered<T: Send, U: Send>(
    threads: usize,
    produce: impl FnOnce(Sink<T>) -> Result<()> + Send,
    map: impl Fn(T) -> U + Sync,
    consume: impl FnMut(U) -> Result<()>,
) -> Result<()> {
    // Each item travels with a channel for its result; the consumer waits for these in order.
    let (to_workers, work) = sync_channel::<(T, SyncSender<U>)>(threads);
    let (in_order, results) = sync_channel::<Receiver<U>>(2 * threads);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        let producer = scope.spawn(move || {
            produce(&mut |item| {
                let (done, result) = sync_channel(1);
                let sent = in_order.send(result).is_ok() && to_workers.send((item, done)).is_ok();
                if sent {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            })
        });
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let job = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((item, done)) = job else { break };
                    // The receiver is gone if the consumer has failed.
                    let _ = done.send(map(item));
                }
            });
        }
        drain(results, consume)?;
        producer
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the reading thread panicked")))
    })
}

/// Owns the receiver, so that returning an error disconnects and stops the producer.
fn drain<U>(
    results: Receiver<Receiver<U>>,
    mut consume: impl FnMut(U) -> Result<()>,
) -> Result<()> {
    for result in results {
        consume(result.recv()?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;

    use super::*;

    /// Produces 0 to 99 and fails at `broken`; the consumer rejects `unwanted`. Returns the consumed items and the
    /// error.
    fn run(threads: usize, broken: u64, unwanted: u64) -> (Vec<u64>, Option<String>) {
        let mut taken = Vec::new();
        let result = ordered(
            threads,
            |sink| {
                for n in 0..100 {
                    ensure!(n != broken, "broken at {n}");
                    if sink(n).is_break() {
                        break;
                    }
                }
                Ok(())
            },
            |n| {
                // Later items finish sooner.
                thread::sleep(std::time::Duration::from_micros(100 - n));
                n * n
            },
            |square| {
                ensure!(square != unwanted * unwanted, "unwanted");
                taken.push(square);
                Ok(())
            },
        );
        (taken, result.err().map(|error| error.to_string()))
    }

    #[test]
    fn keeps_the_order_and_ends_at_the_first_error() {
        let squares = |n: u64| (0..n).map(|n| n * n).collect::<Vec<_>>();
        for threads in [1, 2, 7] {
            assert_eq!(run(threads, 100, 100), (squares(100), None));
            assert_eq!(
                run(threads, 50, 100),
                (squares(50), Some("broken at 50".to_owned()))
            );
            assert_eq!(
                run(threads, 100, 30),
                (squares(30), Some("unwanted".to_owned()))
            );
        }
    }
}
