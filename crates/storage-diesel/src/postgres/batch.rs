//! A unit of work made of refreshes: a batch of them or, where a batch could not be done, those of
//! one session alone.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::Arc;

use token_core::store::StoreError;
use token_core::token::rotation::{Rotation, RotationOutcome};

use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::queries::rotation;
use crate::queries::rotation_batch::{Together, rotate_all};
use crate::unit::{Asker, Noticed, Outcome, Tx, Unit, guarded};

/// A refresh, and who waits for it.
pub(super) struct Request {
    rotation: Box<Rotation>,
    asker: Asker<RotationOutcome>,
}

impl Request {
    /// A request, and where its outcome will arrive.
    pub(super) fn new(rotation: Rotation) -> (Self, Outcome<RotationOutcome>) {
        let (asker, outcome) = Asker::new();
        let rotation = Box::new(rotation);
        (Self { rotation, asker }, outcome)
    }

    /// Whether whoever asked has gone, and not a moment ago.
    pub(super) fn is_left_behind(&self) -> bool {
        self.asker.is_gone()
    }

    /// Whether it comes with, before or after another of the same session.
    fn turn(&self, other: &Self) -> Ordering {
        if self.rotation.presented_digest == other.rotation.presented_digest {
            return Ordering::Equal;
        }
        let of = |request: &Self| request.rotation.presented.generation;
        of(self).cmp(&of(other)).then(Ordering::Greater)
    }
}

/// Requests of one session that all present the same token.
type Group = Vec<Request>;

/// Groups of different sessions, done in one transaction.
pub(super) struct Batch {
    groups: Vec<Group>,
    how: How,
    outcomes: Vec<Vec<RotationOutcome>>,
    noticed: Noticed,
}

#[derive(Debug, Clone, Copy)]
enum How {
    /// With as few statements as possible.
    Together,
    /// Each with its own.
    OneByOne,
}

impl Batch {
    fn new(groups: Vec<Group>, how: How) -> Self {
        Self {
            groups,
            how,
            outcomes: Vec::new(),
            noticed: Noticed::default(),
        }
    }

    /// Takes what can be done together; the rest has to wait. Of each session that is one token,
    /// the one of the lowest generation: one statement can write a row only once, and a client's
    /// older token, decided after a newer one, might look stolen.
    pub(super) fn gather(requests: Vec<Request>) -> (Self, Vec<Request>) {
        let mut groups: HashMap<_, Group> = HashMap::with_capacity(requests.len());
        let mut later = Vec::new();
        for request in requests {
            match groups.entry(request.rotation.presented.session_id) {
                Entry::Vacant(place) => {
                    place.insert(vec![request]);
                }
                Entry::Occupied(mut place) => {
                    let first = place.get().first();
                    match first.map_or(Ordering::Equal, |first| request.turn(first)) {
                        Ordering::Less => later.extend(place.insert(vec![request])),
                        Ordering::Equal => place.get_mut().push(request),
                        Ordering::Greater => later.push(request),
                    }
                }
            }
        }
        let groups = groups.into_values().collect();
        (Self::new(groups, How::Together), later)
    }

    /// The same requests, each session in a transaction of its own.
    pub(super) fn into_singles(self) -> impl Iterator<Item = Self> {
        let groups = self.groups.into_iter();
        groups.map(|group| Self::new(vec![group], How::OneByOne))
    }

    fn do_it(&self, tx: &mut Tx<'_>) -> Result<Vec<Vec<RotationOutcome>>, Failure> {
        let groups = self.groups.iter();
        let groups = groups.map(|group| group.iter().map(|request| &*request.rotation));
        match self.how {
            How::Together => {
                let mut batch: Vec<_> =
                    groups.map(|group| Together::new(group.collect())).collect();
                rotate_all(tx, &mut batch)?;
                Ok(batch.into_iter().map(Together::into_outcomes).collect())
            }
            How::OneByOne => groups
                .map(|group| group.map(|single| rotation::rotate(tx, single)).collect())
                .collect(),
        }
    }
}

impl Unit for Batch {
    fn run(&mut self, conn: &mut AnyConnection) -> Result<(), Failure> {
        let mut tx = Tx {
            conn,
            noticed: Noticed::default(),
        };
        self.outcomes = guarded(|| self.do_it(&mut tx))?;
        self.noticed = tx.noticed;
        Ok(())
    }

    fn noticed(&self) -> &Noticed {
        &self.noticed
    }

    fn is_left_behind(&self) -> bool {
        self.groups.iter().flatten().all(Request::is_left_behind)
    }

    fn rotations(&self) -> Option<usize> {
        Some(self.groups.iter().map(Vec::len).sum())
    }

    fn answer(self: Box<Self>, result: Result<(), StoreError>) {
        let requests = self.groups.into_iter().flatten();
        match result {
            Ok(()) => {
                for (request, outcome) in requests.zip(self.outcomes.into_iter().flatten()) {
                    request.asker.tell(Ok(outcome));
                }
            }
            Err(error) => {
                let error = SharedError::from(error);
                for request in requests {
                    request.asker.tell(Err(error.of_one()));
                }
            }
        }
    }
}

/// An error that is told to several.
enum SharedError {
    Unavailable(Arc<dyn Error + Send + Sync>),
    Damaged(String),
}

impl From<StoreError> for SharedError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why.into()),
            StoreError::Damaged(what) => Self::Damaged(what),
        }
    }
}

impl SharedError {
    fn of_one(&self) -> StoreError {
        match self {
            Self::Unavailable(why) => StoreError::Unavailable(Box::new(Arc::clone(why))),
            Self::Damaged(what) => StoreError::Damaged(what.clone()),
        }
    }
}
