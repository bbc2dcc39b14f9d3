//! A progress bar, where somebody can see it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, gone when it is dropped.
pub struct Progress(ProgressBar);

/// What the bar looks like: how much, of how much, how long still, and at what.
const TEMPLATE: &str = "{bar:30} {pos}/{len} {eta} {msg}";

impl Progress {
    /// A bar, which is not drawn when `quiet` or where standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how far the work is.
    pub fn at(&self, what: &'static str, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_message(what);
        self.0.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_one() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
