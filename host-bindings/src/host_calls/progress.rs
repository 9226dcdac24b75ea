//! Progress of one call: limited in number, rate and length, cleaned of control characters.
//!
//! Reports that come too fast are folded together: the last is kept, and told with the next or at the end of the call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::call::Reporter;
use crate::limits::GuestLimits;
use crate::rate::Rate;
use crate::text::clean;

/// The progress of one call.
#[derive(Debug)]
pub(super) struct Progress {
    left: AtomicU32,
    message_bytes: usize,
    rate: Rate,
    kept: Mutex<Option<(Option<u8>, String)>>,
}

impl Progress {
    pub(super) fn new(limits: &GuestLimits) -> Self {
        Self {
            left: AtomicU32::new(limits.progress_reports),
            message_bytes: limits.log_line_bytes as usize,
            rate: Rate::new(limits.progress_per_second),
            kept: Mutex::default(),
        }
    }

    /// Passes a report on, or keeps it in place of the one before.
    pub(super) fn report(&self, reporter: &dyn Reporter, percent: Option<u8>, message: &str) {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if left.is_err() {
            return;
        }
        let percent = percent.map(|percent| percent.min(100));
        let message = clean(message, self.message_bytes);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.rate.reserve(Duration::ZERO).is_ok() {
            *kept = None;
            reporter.progress(percent, &message);
        } else {
            *kept = Some((percent, message));
        }
    }

    /// Passes on what was kept, at the end of the call.
    pub(super) fn finish(&self, reporter: &dyn Reporter) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((percent, message)) = kept {
            reporter.progress(percent, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::LogLevel;

    #[derive(Default)]
    struct Told(Mutex<Vec<u8>>);

    impl Reporter for Told {
        fn progress(&self, percent: Option<u8>, _message: &str) {
            self.0.lock().unwrap().push(percent.unwrap());
        }
        fn log(&self, _level: LogLevel, _message: &str) {}
        fn denied(&self, _denial: &str, _hint: Option<&str>) {}
    }

    fn told(reports: u32, per_second: u32) -> Vec<u8> {
        let limits = GuestLimits {
            progress_reports: reports,
            progress_per_second: per_second,
            ..GuestLimits::default()
        };
        let (progress, told) = (Progress::new(&limits), Told::default());
        for percent in 0..200 {
            progress.report(&told, Some(percent), "working");
        }
        progress.finish(&told);
        told.0.into_inner().unwrap()
    }

    #[test]
    fn a_flood_is_folded_and_its_last_report_is_told() {
        let told = told(1_000, 1);
        assert_eq!((told[0], *told.last().unwrap()), (0, 100));
        assert!(told.len() < 10, "{told:?}");
    }

    #[test]
    fn reports_end_at_their_number_whatever_their_rate() {
        assert_eq!(told(3, 1_000), [0, 1, 2]);
    }
}
