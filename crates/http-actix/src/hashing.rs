//! Password hashing on threads of its own.
//!
//! A hash takes a quarter of a second of a core. Here it neither blocks a worker's event loop nor
//! queues without end: the queue is bounded, and on Linux the threads give way to the handling of
//! requests, so that tokens are verified and refreshed at full speed beside a storm of logins.

mod threads;

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use crossbeam_channel::{Sender, bounded};
use futures_channel::oneshot;
use token_core::key::Peppers;
use token_core::password::{
    BcryptHasher, CandidatePassword, HashingBusy, NewPasswordError, PasswordHash, PasswordHashing,
    PresentedPassword, Verification,
};
use token_core::store::BoxFuture;

use self::threads::{Job, PATIENCE};
use crate::metrics::hashing::HashingMetrics;

/// A pool of threads that hash passwords. They end after it, each with the hash that it is at, and
/// until then keep that password.
pub struct HashPool {
    hasher: Arc<BcryptHasher>,
    queue: Sender<Job>,
    metrics: HashingMetrics,
}

impl HashPool {
    /// A pool that hashes as many passwords at once as there are cores, with a queue of `waiting`
    /// jobs.
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
        threads::start(count, PATIENCE, &jobs, &metrics)?;
        Ok(Self {
            hasher: Arc::new(hasher),
            queue,
            metrics,
        })
    }

    /// Queues work, or refuses it at once. It may be done twice, and the first result counts. Work
    /// whose caller has gone away is skipped; a client that closes its connection in order is none,
    /// since the handler of its request stays.
    fn submit<T: Send + 'static>(
        &self,
        work: impl Fn(&BcryptHasher) -> T + Send + Sync + 'static,
    ) -> BoxFuture<'_, Result<T, HashingBusy>> {
        let (answer, answered) = oneshot::channel();
        let answer = Answer(Mutex::new(Some(answer)));
        let hasher = Arc::clone(&self.hasher);
        let metrics = self.metrics.clone();
        let job: Job = Arc::new(move || {
            if !answer.is_awaited() {
                return;
            }
            let begun = Instant::now();
            // A panic costs this answer alone: it owns everything that the work touches.
            let result = catch_unwind(AssertUnwindSafe(|| work(&hasher)));
            if let (Some(answer), Ok(result)) = (answer.take(), result) {
                metrics.done(begun.elapsed());
                // The caller may have gone away during the work too; then nobody needs the result.
                let _ = answer.send(result);
            }
        });
        self.metrics.queued();
        let queued = self.queue.try_send(job).is_ok();
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

/// The way back to whoever asked for a hash.
struct Answer<T>(Mutex<Option<oneshot::Sender<T>>>);

impl<T> Answer<T> {
    fn is_awaited(&self) -> bool {
        self.lock().as_ref().is_some_and(|way| !way.is_canceled())
    }

    /// `None` if it was taken before.
    fn take(&self) -> Option<oneshot::Sender<T>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<oneshot::Sender<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let hashed = self.submit(move |hasher| hasher.judge_and_hash_now(password.clone()));
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
        let (release, released) = bounded::<()>(0);
        let running = pool.submit(move |_| {
            started.send(()).unwrap();
            let _ = released.recv();
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
        drop(release);
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
        let (release, released) = bounded::<()>(0);
        let running = pool.submit(move |_| {
            let _ = released.recv();
        });
        let (done, is_done) = mpsc::channel();
        drop(pool.submit(move |_| done.send(()).unwrap()));
        drop(release);
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
    fn an_overdue_answer_comes_once_from_somebody_else() {
        let registry = Registry::new();
        let pool = counted_pool(1, 1, &registry);
        let (release, released) = bounded::<()>(0);
        let (done, is_done) = mpsc::channel();
        let overdue = pool.submit(move |_| {
            if thread::current().name() == Some("hash-idle-0") {
                let _ = released.recv();
            }
            done.send(()).unwrap();
        });
        assert_eq!(wait(overdue), Ok(()));
        drop(release);
        // On a busy machine it is answered before the other thread begins.
        let times = is_done.iter().count();
        assert!((1..=2).contains(&times), "done {times} times");
        let counted = "renewd_hash_duration_seconds_count 1";
        assert!(registry.render().lines().any(|told| told == counted));
    }
}
