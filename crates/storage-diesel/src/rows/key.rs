//! A row of `keys`.

use diesel::prelude::{Insertable, Queryable, Selectable};
use token_core::id::KeyId;
use token_core::store::{KeyPurpose, KeyState, KeyTimes, StoredKey};
use token_core::time::Timestamp;

use crate::columns::Time;
use crate::error::Failure;
use crate::schema::keys;

/// See [`StoredKey`].
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = keys)]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct KeyRow {
    pub(crate) purpose: String,
    pub(crate) kid: String,
    alg: String,
    state: String,
    public_jwk: Option<String>,
    sealed: Vec<u8>,
    master_kid: String,
    created_at: Time,
    published_at: Option<Time>,
    activated_at: Option<Time>,
    retiring_at: Option<Time>,
    retired_at: Option<Time>,
}

impl From<&StoredKey> for KeyRow {
    fn from(key: &StoredKey) -> Self {
        Self {
            purpose: key.purpose.as_str().to_owned(),
            kid: key.kid.as_str().to_owned(),
            alg: key.alg.clone(),
            state: key.state.as_str().to_owned(),
            public_jwk: key.public_jwk.clone(),
            sealed: key.sealed.clone(),
            master_kid: key.master_kid.clone(),
            created_at: key.created_at.into(),
            published_at: key.times.published_at.map(Time::from),
            activated_at: key.times.activated_at.map(Time::from),
            retiring_at: key.times.retiring_at.map(Time::from),
            retired_at: key.times.retired_at.map(Time::from),
        }
    }
}

impl TryFrom<KeyRow> for StoredKey {
    type Error = Failure;

    fn try_from(row: KeyRow) -> Result<Self, Failure> {
        let purpose = KeyPurpose::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == row.purpose)
            .ok_or(Failure::Damaged("keys.purpose"))?;
        let state = KeyState::ALL
            .into_iter()
            .find(|state| state.as_str() == row.state)
            .ok_or(Failure::Damaged("keys.state"))?;
        Ok(Self {
            kid: KeyId::from_trusted(row.kid),
            purpose,
            alg: row.alg,
            state,
            public_jwk: row.public_jwk,
            sealed: row.sealed,
            master_kid: row.master_kid,
            created_at: row.created_at.into(),
            times: KeyTimes {
                published_at: row.published_at.map(Timestamp::from),
                activated_at: row.activated_at.map(Timestamp::from),
                retiring_at: row.retiring_at.map(Timestamp::from),
                retired_at: row.retired_at.map(Timestamp::from),
            },
        })
    }
}
