//! The ports of token-core: which unit of work goes where. What writes is one transaction; what
//! only reads is asked of a reader.

mod clients;
mod feed;
mod keys;
mod sessions;
mod users;
