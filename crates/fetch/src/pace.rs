//! When to try again, and for how long.

use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// How often and how patiently a download is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// After so many tries that brought nothing, no other follows. A try that brought a good part of a file starts the
    /// count anew.
    pub tries: u32,
    /// The longest wait after the first try. It doubles with each further one.
    pub first: Duration,
    /// No wait is longer, whatever the server asks for with `Retry-After`.
    pub longest: Duration,
}

/// How much must arrive of an answer at least, or it counts as broken off: a server that sends a byte a second is as
/// bad as one that sends none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeastPace {
    /// The least number of bytes.
    pub bytes: u64,
    /// In so much time of waiting for them.
    pub window: Duration,
}

/// A wait that is over some time.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The clock and the chance that waits depend on.
pub trait Pace: Send + Sync {
    /// Waits.
    fn wait(&self, time: Duration) -> Wait;
    /// The time.
    fn now(&self) -> SystemTime;
    /// A number from 0 to 1 by chance, so that many clients do not come back at once.
    fn chance(&self) -> f64;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPace;

impl Default for Retry {
    fn default() -> Self {
        Retry { tries: 4, first: Duration::from_secs(1), longest: Duration::from_secs(60) }
    }
}

impl Default for LeastPace {
    fn default() -> Self {
        // A tenth of what the slowest modems had.
        LeastPace { bytes: 32 << 10, window: Duration::from_secs(60) }
    }
}

impl Retry {
    /// How long to wait after a number of failed tries in a row, when the server asked for some wait or for none.
    pub(crate) fn wait(&self, failed: u32, asked: Option<Duration>, pace: &dyn Pace) -> Duration {
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16));
        // Half of it is certain: a server that is down needs some time, whatever the chance.
        let own = doubled.min(self.longest).mul_f64(0.5 + pace.chance().clamp(0.0, 1.0) / 2.0);
        own.max(asked.unwrap_or_default()).min(self.longest)
    }
}

impl Pace for SystemPace {
    fn wait(&self, time: Duration) -> Wait {
        Box::pin(tokio::time::sleep(time))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn chance(&self) -> f64 {
        fastrand::f64()
    }
}

/// The wait that a header `Retry-After` asks for: seconds, or a date ([RFC 9110, 10.2.3]).
///
/// [RFC 9110, 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Chance(f64);

    impl Pace for Chance {
        fn wait(&self, _: Duration) -> Wait {
            Box::pin(std::future::ready(()))
        }

        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn chance(&self) -> f64 {
            self.0
        }
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let retry = Retry { tries: 9, first: Duration::from_secs(1), longest: Duration::from_secs(10) };
        for (failed, asked, chance, expected) in [
            (1, None, 1.0, 1000),
            (1, None, 0.0, 500),
            (2, None, 1.0, 2000),
            (4, None, 0.5, 6000),
            (5, None, 1.0, 10_000),
            (u32::MAX, None, 1.0, 10_000),
            (1, Some(7), 1.0, 7000),
            (1, Some(0), 1.0, 1000),
            (1, Some(u64::MAX), 1.0, 10_000),
        ] {
            let wait = retry.wait(failed, asked.map(Duration::from_secs), &Chance(chance));
            assert_eq!(wait.as_millis(), expected, "{failed} {asked:?} {chance}");
        }
    }

    #[test]
    fn what_servers_ask_for() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
