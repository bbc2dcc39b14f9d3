//! The threads that hash, in pairs, one pair for each core.
//!
//! On Linux one of a pair has only the time that nobody else wants (`SCHED_IDLE`). A thread that
//! wakes to handle a request then has the core at once; at any other low priority the hash may go
//! on to the kernel's next tick, which is up to four milliseconds with 250 of them a second. But
//! on a machine that is never idle, be it for other programs, such a thread stands still, and
//! without privileges nothing raises its priority again. So the other one, at a low priority of
//! the ordinary kind, hands it each hash, makes anew what stands still, and makes those that wait
//! after it until the first is back.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select_biased, unbounded};

use self::scheduling::ProcessorTime;
use crate::metrics::hashing::HashingMetrics;

/// How long a hash may stand still. A little progress is enough: a tenth of the time, which is as
/// much as the other thread would get.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// The `nice` value of the threads that hand out: beside work that never pauses a hash gets a tenth
/// of a core. At 19 it gets a seventieth, and a login takes ten seconds and more.
#[cfg(target_os = "linux")]
const LOW_PRIORITY: i32 = 10;

/// A hash that is asked for. It may be run twice, at the same time too, and answers once. It does
/// not panic: the thread would be gone, and in the end nobody could log in.
pub(super) type Job = Arc<dyn Fn() + Send + Sync>;

/// A job for idle time.
struct Handed {
    job: Job,
    /// To say that it is done.
    done: Sender<()>,
}

/// Starts pairs of threads, which end when `jobs` is closed.
pub(super) fn start(
    pairs: usize,
    patience: Duration,
    jobs: &Receiver<Job>,
    metrics: &HashingMetrics,
) -> io::Result<()> {
    for number in 0..pairs {
        // A bounded one would keep what it holds when its receiver is gone.
        let (hand, handed) = unbounded();
        let (tell, told) = bounded(1);
        thread::Builder::new()
            .name(format!("hash-idle-{number}"))
            .spawn(move || {
                // Before it may stand still itself.
                let _ = tell.send(ProcessorTime::of_this_thread());
                hash_in_idle_time(&handed);
            })?;
        let (jobs, metrics) = (jobs.clone(), metrics.clone());
        thread::Builder::new()
            .name(format!("hash-{number}"))
            .spawn(move || {
                scheduling::lower_priority();
                let pair = Pair {
                    jobs,
                    hand,
                    idle: told.recv().ok().flatten(),
                    patience,
                    metrics,
                };
                pair.serve();
            })?;
    }
    Ok(())
}

fn hash_in_idle_time(handed: &Receiver<Handed>) {
    if scheduling::take_idle_time() {
        for Handed { job, done } in handed {
            job();
            // Fails if nobody waits for it any more.
            let _ = done.send(());
        }
    }
}

/// What the thread that hands out has.
struct Pair {
    jobs: Receiver<Job>,
    hand: Sender<Handed>,
    /// What the other thread gets.
    idle: Option<ProcessorTime>,
    patience: Duration,
    metrics: HashingMetrics,
}

impl Pair {
    fn serve(&self) {
        for job in &self.jobs {
            self.metrics.taken();
            let (done, is_done) = bounded(1);
            let handed = Handed {
                job: Arc::clone(&job),
                done,
            };
            // Should the other thread be gone, for there is no idle time, `done` is dropped.
            let _ = self.hand.send(handed);
            match self.wait(&is_done, self.patience) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => job(),
                Err(RecvTimeoutError::Timeout) => {
                    job();
                    self.take_over(&is_done);
                }
            }
        }
    }

    /// Does what waits until the other thread is back, which has a moment for that each time.
    fn take_over(&self, is_back: &Receiver<()>) {
        while self.wait(is_back, self.patience / 4) == Err(RecvTimeoutError::Timeout) {
            let next = select_biased! {
                recv(is_back) -> _ => None,
                recv(self.jobs) -> next => next.ok(),
            };
            let Some(next) = next else { return };
            self.metrics.taken();
            next();
        }
    }

    /// Waits for the other thread for as long as it does not stand still.
    fn wait(&self, is_done: &Receiver<()>, patience: Duration) -> Result<(), RecvTimeoutError> {
        loop {
            let before = self.idle_time();
            let waited = is_done.recv_timeout(patience);
            if waited != Err(RecvTimeoutError::Timeout) || self.stands_still(before, patience) {
                return waited;
            }
        }
    }

    fn stands_still(&self, before: Option<Duration>, passed: Duration) -> bool {
        let got = before
            .zip(self.idle_time())
            .map(|(before, after)| after.saturating_sub(before));
        got.is_none_or(|got| got < passed / 10)
    }

    fn idle_time(&self) -> Option<Duration> {
        self.idle.as_ref()?.so_far()
    }
}

#[cfg(target_os = "linux")]
mod scheduling {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id, thread_schedule_policy,
    };

    use super::LOW_PRIORITY;

    const IDLE: ThreadSchedulePolicy =
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);

    /// Leaves this thread the time that nobody else wants. `false` if the system has no such thing.
    pub(super) fn take_idle_time() -> bool {
        let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, IDLE);
        // After the policy it sets the `nice` value to 0, which has no meaning then, and fails if
        // the process was started at a higher one.
        let idle = thread_schedule_policy() == Ok(IDLE);
        if !idle {
            tracing::warn!(?set, "passwords are not hashed in idle time");
        }
        idle
    }

    /// Lowers the priority of this thread: on Linux it belongs to a thread, not to the process.
    pub(super) fn lower_priority() {
        if let Err(error) = rustix::process::setpriority_process(None, LOW_PRIORITY) {
            tracing::warn!(%error, "password hashing keeps the priority of request handling");
        }
    }

    /// Tells the processor time of a thread.
    pub(super) struct ProcessorTime(PathBuf);

    impl ProcessorTime {
        pub(super) fn of_this_thread() -> Option<Self> {
            let thread = fs::read_link("/proc/thread-self").ok()?;
            Some(Self(Path::new("/proc").join(thread).join("schedstat")))
        }

        /// `None` if the system does not tell.
        pub(super) fn so_far(&self) -> Option<Duration> {
            let text = fs::read_to_string(&self.0).ok()?;
            let nanos = text.split(' ').next()?.parse().ok()?;
            Some(Duration::from_nanos(nanos))
        }
    }
}

/// A priority would be the whole process's.
#[cfg(not(target_os = "linux"))]
mod scheduling {
    use std::time::Duration;

    pub(super) fn take_idle_time() -> bool {
        false
    }

    pub(super) fn lower_priority() {}

    pub(super) struct ProcessorTime;

    impl ProcessorTime {
        pub(super) fn of_this_thread() -> Option<Self> {
            None
        }

        pub(super) fn so_far(&self) -> Option<Duration> {
            None
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use rustix::process::getpriority_process;
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy,
    };

    use super::*;
    use crate::metrics::Registry;

    /// Long enough for a thread to get the core, wherever this runs.
    const AT_ONCE: Duration = Duration::from_mins(1);
    const NEVER: Duration = Duration::from_hours(1);
    const SOON: Duration = Duration::from_millis(20);

    fn metrics() -> HashingMetrics {
        HashingMetrics::new(&Registry::new())
    }

    /// A job that tells which thread runs it, and in idle time waits.
    fn standing_still(told: &mpsc::Sender<String>, goes_on: Receiver<()>) -> Job {
        let told = told.clone();
        Arc::new(move || {
            told.send(my_name()).unwrap();
            if my_name() == "hash-idle-0" {
                goes_on.recv().unwrap();
            }
        })
    }

    /// A job that tells which thread runs it.
    fn naming(told: &mpsc::Sender<String>) -> Job {
        let told = told.clone();
        Arc::new(move || told.send(my_name()).unwrap())
    }

    fn my_name() -> String {
        thread::current().name().unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_overdue_is_made_anew_and_the_rest_after_it() {
        let (queue, jobs) = bounded(8);
        start(1, SOON, &jobs, &metrics()).unwrap();
        let (told, tells) = mpsc::channel();
        let (go_on, goes_on) = bounded(0);
        queue.send(standing_still(&told, goes_on)).unwrap();
        queue.send(naming(&told)).unwrap();
        let mut names = [(); 3].map(|()| tells.recv_timeout(AT_ONCE).unwrap());
        // On a busy machine the one that has idle time may be the last to tell.
        names.sort();
        assert_eq!(names, ["hash-0", "hash-0", "hash-idle-0"]);
        // Once it goes on, it soon takes its turn again.
        go_on.send(()).unwrap();
        let deadline = Instant::now() + AT_ONCE;
        loop {
            queue.send(naming(&told)).unwrap();
            if tells.recv_timeout(AT_ONCE).unwrap() == "hash-idle-0" {
                break;
            }
            assert!(Instant::now() < deadline, "the other thread stays away");
        }
    }

    #[test]
    fn what_is_in_time_is_made_once_and_in_idle_time() {
        let (queue, jobs) = bounded(8);
        start(1, NEVER, &jobs, &metrics()).unwrap();
        let (told, tells) = mpsc::channel();
        for _ in 0..2 {
            queue.send(naming(&told)).unwrap();
        }
        drop((queue, told));
        let names: Vec<_> = tells.iter().collect();
        assert_eq!(names, ["hash-idle-0"; 2]);
    }

    #[test]
    fn both_give_way_to_requests() {
        let (queue, jobs) = bounded(8);
        start(1, SOON, &jobs, &metrics()).unwrap();
        let (told, tells) = mpsc::channel();
        let (go_on, goes_on) = bounded::<()>(0);
        let telling: Job = Arc::new(move || {
            let policy = thread_schedule_policy().unwrap();
            told.send((policy, getpriority_process(None).unwrap()))
                .unwrap();
            // Neither is through before both have begun.
            let _ = goes_on.recv();
        });
        queue.send(telling).unwrap();
        let mut seen = [(); 2].map(|()| tells.recv_timeout(AT_ONCE).unwrap());
        seen.sort_by_key(|(_, nice)| *nice);
        let policies = [
            NormalThreadSchedulePolicy::Idle,
            NormalThreadSchedulePolicy::Other,
        ];
        assert_eq!(
            seen.map(|(policy, _)| policy),
            policies.map(ThreadSchedulePolicy::Normal)
        );
        assert_eq!(seen[1].1, LOW_PRIORITY);
        assert_ne!(getpriority_process(None).unwrap(), LOW_PRIORITY);
        drop(go_on);
    }

    /// Waits for a thread that does this and is through then.
    fn waited_for(work: impl FnOnce() + Send + 'static) -> Result<(), RecvTimeoutError> {
        let (tell, told) = bounded(1);
        let (done, is_done) = bounded(1);
        thread::spawn(move || {
            tell.send(ProcessorTime::of_this_thread()).unwrap();
            work();
            let _ = done.send(());
        });
        let pair = Pair {
            jobs: crossbeam_channel::never(),
            hand: unbounded().0,
            idle: told.recv().unwrap(),
            patience: NEVER,
            metrics: metrics(),
        };
        pair.wait(&is_done, SOON * 5)
    }

    #[test]
    fn who_gets_on_is_waited_for_and_who_stands_still_is_not() {
        let busy = || {
            let time = ProcessorTime::of_this_thread().unwrap();
            let enough = time.so_far().unwrap() + SOON * 20;
            while time.so_far().unwrap() < enough {}
        };
        assert_eq!(waited_for(busy), Ok(()));
        let (over, is_over) = bounded::<()>(0);
        let idle = move || {
            let _ = is_over.recv();
        };
        assert_eq!(waited_for(idle), Err(RecvTimeoutError::Timeout));
        drop(over);
    }
}
