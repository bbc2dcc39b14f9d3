//! The threads that hash, in pairs, one pair for each core.
//!
//! On Linux one of a pair has only the time that nobody else wants (`SCHED_IDLE`). A thread that
//! wakes to handle a request then has the core at once; at any other low priority the hash may go
//! on to the kernel's next tick, which is up to four milliseconds. But on a machine that is never
//! idle, be it for other programs, such a thread stands still, and nothing can raise its priority
//! again. So the other one, at a low priority of the ordinary kind, hands it each hash, makes
//! anew what is overdue, and makes those that wait after it until the first is back.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, select_biased};

/// The `nice` value of the threads that hand out: beside work that never pauses a hash gets a tenth
/// of a core. At 19 it gets a seventieth, and a login takes ten seconds and more.
#[cfg(target_os = "linux")]
const LOW_PRIORITY: i32 = 10;

/// A hash that is asked for. It may be run twice, at the same time too, and answers once.
pub(super) type Job = Arc<dyn Fn() + Send + Sync>;

/// A job for idle time.
struct Handed {
    job: Job,
    /// To say that it is done.
    done: Sender<()>,
}

/// Starts pairs of threads, which end when `jobs` is closed. A job is overdue after `patience`.
pub(super) fn start(pairs: usize, patience: Duration, jobs: &Receiver<Job>) -> io::Result<()> {
    for number in 0..pairs {
        let (hand, handed) = bounded(1);
        let jobs = jobs.clone();
        thread::Builder::new()
            .name(format!("hash-{number}"))
            .spawn(move || hand_out(&jobs, &hand, patience))?;
        thread::Builder::new()
            .name(format!("hash-idle-{number}"))
            .spawn(move || hash_in_idle_time(&handed))?;
    }
    Ok(())
}

fn hand_out(jobs: &Receiver<Job>, hand: &Sender<Handed>, patience: Duration) {
    priority::lower();
    for job in jobs {
        let (done, is_done) = bounded(1);
        let handed = Handed {
            job: Arc::clone(&job),
            done,
        };
        // Should the other thread be gone, `done` is gone too.
        let _ = hand.send(handed);
        match is_done.recv_timeout(patience) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => run(&job),
            Err(RecvTimeoutError::Timeout) => {
                run(&job);
                while let Some(next) = next_unless(&is_done, jobs) {
                    run(&next);
                }
            }
        }
    }
}

/// The next job, unless the other thread is back or there will be no more.
fn next_unless(is_back: &Receiver<()>, jobs: &Receiver<Job>) -> Option<Job> {
    select_biased! {
        recv(is_back) -> _ => None,
        recv(jobs) -> next => next.ok(),
    }
}

fn hash_in_idle_time(handed: &Receiver<Handed>) {
    if priority::take_idle_time() {
        for Handed { job, done } in handed {
            run(&job);
            // Fails if nobody waits for it any more.
            let _ = done.send(());
        }
    }
}

/// A panic must cost one answer, not a thread: the pool would shrink until nobody can log in. The
/// job owns everything it touches.
fn run(job: &Job) {
    let _ = catch_unwind(AssertUnwindSafe(|| job()));
}

#[cfg(target_os = "linux")]
mod priority {
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
        // The policy may be set, and something else have failed.
        let idle = thread_schedule_policy() == Ok(IDLE);
        if !idle {
            tracing::warn!(?set, "passwords are not hashed in idle time");
        }
        idle
    }

    /// Lowers the priority of this thread: on Linux it belongs to a thread, not to the process.
    pub(super) fn lower() {
        if let Err(error) = rustix::process::setpriority_process(None, LOW_PRIORITY) {
            tracing::warn!(%error, "password hashing keeps the priority of request handling");
        }
    }
}

/// A priority would be the whole process's.
#[cfg(not(target_os = "linux"))]
mod priority {
    pub(super) fn take_idle_time() -> bool {
        false
    }

    pub(super) fn lower() {}
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

    /// Long enough for a thread to get the core, wherever this runs.
    const AT_ONCE: Duration = Duration::from_mins(1);
    const NEVER: Duration = Duration::from_hours(1);

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
        start(1, Duration::from_millis(20), &jobs).unwrap();
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
        start(1, NEVER, &jobs).unwrap();
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
        start(1, Duration::ZERO, &jobs).unwrap();
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
}
