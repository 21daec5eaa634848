//! Slack's paging: `limit` and an opaque `cursor` that belongs to one list.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::error::ApiError;

const CURSOR_PREFIX: &str = "offset:";

/// One page out of a whole list.
#[derive(Debug, PartialEq)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: String,
}

impl<T> Page<T> {
    pub(crate) fn has_more(&self) -> bool {
        !self.next_cursor.is_empty()
    }

    pub(crate) fn metadata(&self) -> Value {
        json!({"next_cursor": self.next_cursor})
    }
}

/// Cuts the page that the arguments ask for. `most` is the method's greatest `limit`.
pub(crate) fn page<T>(all: Vec<T>, arguments: &Arguments, default: usize, most: usize) -> Result<Page<T>, ApiError> {
    let limit = arguments.number("limit")?.unwrap_or(default);
    if limit == 0 || limit > most {
        return Err(ApiError::new("invalid_limit"));
    }
    let start = match arguments.text("cursor").filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => offset(cursor).ok_or_else(|| ApiError::new("invalid_cursor"))?,
    };
    let next_cursor =
        if start + limit < all.len() { format!("{CURSOR_PREFIX}{}", start + limit) } else { String::new() };
    Ok(Page { items: all.into_iter().skip(start).take(limit).collect(), next_cursor })
}

fn offset(cursor: &str) -> Option<usize> {
    cursor.strip_prefix(CURSOR_PREFIX)?.parse().ok()
}
