//! Status lists, kept for about a second: however many ask, storage is asked once.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::lock::Mutex as AsyncMutex;
use token_core::service::{Service, StatusListFound};
use token_core::store::StoreError;
use token_core::token::status_list::TTL;

/// How long a list is given out before storage is asked again.
const KEPT: Duration = Duration::from_secs(1);

/// The lists that were asked for lately.
#[derive(Debug, Default)]
pub struct StatusLists {
    known: Mutex<HashMap<u32, Arc<AsyncMutex<Known>>>>,
    /// For numbers that may be no list's: anybody can think of any number.
    unknown: AsyncMutex<Option<Looked>>,
}

/// A list as it is given out.
#[derive(Debug, Clone)]
pub struct Served {
    /// The JWT.
    pub plain: Bytes,
    /// The same, compressed by gzip.
    pub gzipped: Bytes,
    read_at: Instant,
}

/// A list that there is, as storage last told it.
#[derive(Debug)]
struct Known {
    served: Arc<Served>,
    /// When storage was last asked, and when it had answered or failed.
    asked: Instant,
    answered: Instant,
}

/// That storage was asked, and what the highest list was.
#[derive(Debug)]
struct Looked {
    asked: Instant,
    highest: Option<u32>,
}

impl Served {
    fn new(jwt: String, read_at: Instant) -> io::Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(jwt.as_bytes())?;
        Ok(Self {
            gzipped: gzip.finish()?.into(),
            plain: jwt.into(),
            read_at,
        })
    }

    /// How much of its `ttl` is left.
    pub fn left(&self) -> Duration {
        TTL.saturating_sub(self.read_at.elapsed())
    }
}

impl StatusLists {
    /// The list of that number; `None` if no session is in it. While storage is away, the list as
    /// it was last read, for as long as it may be kept.
    pub async fn get(
        &self,
        service: &Service,
        list: u32,
    ) -> Result<Option<Arc<Served>>, StoreError> {
        let came = Instant::now();
        let known = self.lock().get(&list).cloned();
        match known {
            Some(known) => known.lock().await.refreshed(service, list, came).await,
            None => self.look(service, list, came).await,
        }
    }

    /// Asks for a list that was not given out lately. Whoever came before storage was asked for
    /// another number shares the answer that there is no such list.
    async fn look(
        &self,
        service: &Service,
        list: u32,
        came: Instant,
    ) -> Result<Option<Arc<Served>>, StoreError> {
        let mut looked = self.unknown.lock().await;
        let is_none = looked.as_ref().is_some_and(|looked| {
            looked.asked >= came && looked.highest.is_none_or(|highest| list > highest)
        });
        if is_none {
            return Ok(None);
        }
        // Somebody may have found it while this one waited.
        let known = self.lock().get(&list).cloned();
        if let Some(known) = known {
            return known.lock().await.refreshed(service, list, came).await;
        }
        let asked = Instant::now();
        match read(service, list, asked).await? {
            Ok(served) => {
                let known = Known {
                    served: Arc::clone(&served),
                    asked,
                    answered: Instant::now(),
                };
                let mut all = self.lock();
                // Lists that nobody asks for any more.
                all.retain(|_, known| {
                    let known = known.try_lock();
                    known.is_none_or(|known| !known.served.left().is_zero())
                });
                all.insert(list, Arc::new(AsyncMutex::new(known)));
                Ok(Some(served))
            }
            Err(highest) => {
                *looked = Some(Looked { asked, highest });
                Ok(None)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<AsyncMutex<Known>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The list, read again if that is due. Those who wait for that meanwhile come to what the
    /// first one came to, also if storage failed.
    async fn refreshed(
        &mut self,
        service: &Service,
        list: u32,
        came: Instant,
    ) -> Result<Option<Arc<Served>>, StoreError> {
        let mut failure = None;
        if self.asked < came && self.answered.elapsed() >= KEPT {
            let asked = Instant::now();
            let answer = read(service, list, asked).await;
            (self.asked, self.answered) = (asked, Instant::now());
            match answer {
                Ok(Ok(served)) => self.served = served,
                // The last session of the list is long forgotten.
                Ok(Err(_)) => return Ok(None),
                Err(error) => failure = Some(error),
            }
        }
        if !self.served.left().is_zero() {
            return Ok(Some(Arc::clone(&self.served)));
        }
        Err(failure.unwrap_or_else(|| {
            let error = io::Error::other("the status list could not be read a moment ago");
            StoreError::Unavailable(error.into())
        }))
    }
}

/// Reads a list; where there is none, the number of the highest one.
async fn read(
    service: &Service,
    list: u32,
    asked: Instant,
) -> Result<Result<Arc<Served>, Option<u32>>, StoreError> {
    match service.status_list(list).await? {
        StatusListFound::Signed(signed) => {
            let served = Served::new(signed.jwt, asked);
            let served = served.map_err(|error| StoreError::Unavailable(error.into()))?;
            Ok(Ok(Arc::new(served)))
        }
        StatusListFound::NotHandedOut(highest) => Ok(Err(highest)),
    }
}
