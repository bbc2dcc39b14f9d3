//! Password hashing on threads of its own.
//!
//! A hash takes a quarter of a second of a core. Here it neither blocks a worker's event loop nor
//! queues without end: the queue is bounded, and on Linux the threads run below the priority of
//! request handling, so that tokens are verified and refreshed at full speed beside a storm of
//! logins.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};
use futures_channel::oneshot;
use token_core::key::Peppers;
use token_core::password::{
    BcryptHasher, CandidatePassword, HashingBusy, NewPasswordError, PasswordHash, PasswordHashing,
    PresentedPassword, Verification,
};
use token_core::store::BoxFuture;

use crate::metrics::hashing::HashingMetrics;

/// A `nice` value far below that of request handling, but not the lowest: beside work that never
/// pauses, be it of other programs on the machine, a hash gets a tenth of a core. At 19 it gets a
/// seventieth, and a login takes ten seconds and more.
#[cfg(target_os = "linux")]
const LOW_PRIORITY: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// Threads that hash passwords.
pub struct HashPool {
    hasher: Arc<BcryptHasher>,
    /// `None` only while the pool is dropped: the threads end when it is closed.
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    metrics: HashingMetrics,
}

impl HashPool {
    /// A pool with a thread for each core and a queue of `waiting` jobs.
    pub fn start(
        hasher: BcryptHasher,
        waiting: usize,
        metrics: HashingMetrics,
    ) -> std::io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_threads(hasher, waiting, metrics, cores)
    }

    fn with_threads(
        hasher: BcryptHasher,
        waiting: usize,
        metrics: HashingMetrics,
        count: usize,
    ) -> std::io::Result<Self> {
        metrics.limited_to(waiting);
        let (queue, jobs) = bounded(waiting);
        let threads = (0..count)
            .map(|number| {
                let jobs = jobs.clone();
                thread::Builder::new()
                    .name(format!("hash-{number}"))
                    .spawn(move || work(&jobs))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            hasher: Arc::new(hasher),
            queue: Some(queue),
            threads,
            metrics,
        })
    }

    /// Queues work, or refuses it at once. Work whose caller has gone away meanwhile is skipped.
    fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BcryptHasher) -> T + Send + 'static,
    ) -> BoxFuture<'_, Result<T, HashingBusy>> {
        let (answer, answered) = oneshot::channel();
        let hasher = Arc::clone(&self.hasher);
        let metrics = self.metrics.clone();
        let job: Job = Box::new(move || {
            metrics.taken();
            if !answer.is_canceled() {
                let started = Instant::now();
                let done = work(&hasher);
                metrics.done(started.elapsed());
                // The caller may go away during the work too; then nobody needs the result.
                let _ = answer.send(done);
            }
        });
        self.metrics.queued();
        let queued = self.queue.as_ref().is_some_and(|q| q.try_send(job).is_ok());
        if !queued {
            self.metrics.refused();
        }
        Box::pin(async move {
            if !queued {
                return Err(HashingBusy);
            }
            // Without an answer the work panicked, which the hook has logged.
            answered.await.map_err(|_| HashingBusy)
        })
    }
}

impl PasswordHashing for HashPool {
    fn use_peppers(&self, peppers: Arc<Peppers>) {
        self.hasher.set_peppers(peppers);
    }

    fn hash(
        &self,
        password: CandidatePassword,
    ) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>> {
        let hashed = self.submit(move |hasher| hasher.judge_and_hash_now(password));
        Box::pin(async move { hashed.await? })
    }

    fn verify(
        &self,
        password: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>> {
        self.submit(move |hasher| hasher.verify_now(&password, stored.as_ref()))
    }

    fn renew(
        &self,
        password: PresentedPassword,
    ) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>> {
        self.submit(move |hasher| hasher.renew_now(&password))
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A job's panic is caught in the loop, so that there is no other to report.
            let _ = thread.join();
        }
    }
}

fn work(jobs: &Receiver<Job>) {
    lower_priority();
    for job in jobs {
        // A panic must cost one answer, not a thread: the pool would shrink until nobody can log
        // in. The job owns everything it touches.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// On Linux a priority belongs to a thread; elsewhere it would be the whole process's.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LOW_PRIORITY) {
        tracing::warn!(%error, "password hashing keeps the priority of request handling");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use token_core::key::MasterKey;
    use token_core::password::BcryptCost;
    use token_core::random::SystemEntropy;

    use super::*;
    use crate::metrics::Registry;

    fn pool(waiting: usize, threads: usize) -> HashPool {
        counted_pool(waiting, threads, &Registry::new())
    }

    fn counted_pool(waiting: usize, threads: usize, registry: &Registry) -> HashPool {
        let entropy = Arc::new(SystemEntropy::default());
        let pepper = MasterKey::generate(entropy.as_ref()).pepper();
        let hasher = BcryptHasher::new(&pepper, BcryptCost::new(10).unwrap(), entropy);
        let metrics = HashingMetrics::new(registry);
        HashPool::with_threads(hasher, waiting, metrics, threads).unwrap()
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        actix_web::rt::System::new().block_on(future)
    }

    #[test]
    fn passwords_are_hashed_and_compared() {
        let pool = pool(8, 2);
        let password = PresentedPassword::new("correct horse battery");
        let stored = wait(pool.renew(password.clone())).unwrap();
        let right = wait(pool.verify(password, Some(stored.clone()))).unwrap();
        assert_eq!(right, Verification::Right { outdated: false });
        let other = PresentedPassword::new("incorrect horse battery");
        assert_eq!(
            wait(pool.verify(other, Some(stored))),
            Ok(Verification::Wrong)
        );
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let registry = Registry::new();
        let pool = counted_pool(2, 1, &registry);
        let assert_told = |lines: [&str; 4]| {
            let text = registry.render();
            for line in lines {
                assert!(text.lines().any(|told| told == line), "{line}: {text}");
            }
        };
        let (started, is_started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let running = pool.submit(move |_| {
            started.send(()).unwrap();
            released.recv().unwrap();
        });
        is_started.recv().unwrap();
        let waiting = [pool.submit(|_| ()), pool.submit(|_| ())];
        assert_eq!(pool.submit(|_| ()).now_or_never(), Some(Err(HashingBusy)));
        assert_told([
            "renewd_hash_queue_waiting 2",
            "renewd_hash_queue_limit 2",
            "renewd_hash_refused_total 1",
            "renewd_hash_duration_seconds_count 0",
        ]);
        release.send(()).unwrap();
        assert_eq!(wait(running), Ok(()));
        assert_eq!(wait(join_all(waiting)), [Ok(()), Ok(())]);
        assert_told([
            "renewd_hash_queue_waiting 0",
            "renewd_hash_queue_limit 2",
            "renewd_hash_refused_total 1",
            "renewd_hash_duration_seconds_count 3",
        ]);
    }

    #[test]
    fn work_for_nobody_is_skipped() {
        let pool = pool(4, 1);
        let (release, released) = mpsc::channel::<()>();
        let running = pool.submit(move |_| released.recv().unwrap());
        let (done, is_done) = mpsc::channel();
        drop(pool.submit(move |_| done.send(()).unwrap()));
        release.send(()).unwrap();
        assert_eq!(wait(running), Ok(()));
        drop(pool);
        assert!(is_done.recv().is_err());
    }

    #[test]
    fn a_panic_costs_one_answer_and_no_thread() {
        let pool = pool(4, 1);
        let broken: BoxFuture<'_, Result<(), _>> = pool.submit(|_| panic!("on purpose"));
        assert_eq!(wait(broken), Err(HashingBusy));
        assert_eq!(wait(pool.submit(|_| 7)), Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn hashing_gives_way_to_requests() {
        let pool = pool(1, 1);
        let priority = |_: &BcryptHasher| rustix::process::getpriority_process(None).unwrap();
        assert_eq!(wait(pool.submit(priority)), Ok(LOW_PRIORITY));
        let here = thread::spawn(|| rustix::process::getpriority_process(None).unwrap());
        assert_ne!(here.join().unwrap(), LOW_PRIORITY);
    }
}
