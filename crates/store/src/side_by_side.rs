//! Work that mostly waits, some at a time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does something with each item, on at most `at_a_time` threads; gives what comes of them, in their order. After an
/// error nothing more is begun.
pub(crate) fn side_by_side<T: Sync, R: Send, E: Send>(
    items: &[T],
    at_a_time: usize,
    work: impl Fn(&T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    if items.len() < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(vec![]);
    thread::scope(|scope| {
        for _ in 0..at_a_time.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let result = work(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    done.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items_and_an_error_ends_it() {
        let numbers: Vec<u32> = (0..100).collect();
        let doubled = side_by_side(&numbers, 8, |number| Ok::<_, ()>(number * 2));
        assert_eq!(doubled.unwrap(), (0..100).map(|number| number * 2).collect::<Vec<_>>());
        assert_eq!(side_by_side(&numbers, 8, |number| if *number == 7 { Err(7) } else { Ok(()) }), Err(7));
        assert_eq!(side_by_side(&[1], 8, |number| Ok::<i32, ()>(*number)), Ok(vec![1]));
    }
}
