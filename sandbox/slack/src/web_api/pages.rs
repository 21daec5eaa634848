//! Slack's paging with `limit` and an opaque `cursor`.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::error::ApiError;

const CURSOR_PREFIX: &str = "offset:";

/// One page of a list.
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

/// Cuts the requested page. `max` is the maximum `limit` of the method.
pub(crate) fn cut_page<T>(all: Vec<T>, arguments: &Arguments, default: usize, max: usize) -> Result<Page<T>, ApiError> {
    let limit = arguments.number("limit")?.unwrap_or(default);
    if limit == 0 || limit > max {
        return Err(ApiError::new("invalid_limit"));
    }
    let start = match arguments.text("cursor").filter(|cursor| !cursor.is_empty()) {
        None => 0,
        Some(cursor) => parse_cursor(cursor).ok_or_else(|| ApiError::new("invalid_cursor"))?,
    };
    let next_cursor =
        if start + limit < all.len() { format!("{CURSOR_PREFIX}{}", start + limit) } else { String::new() };
    Ok(Page { items: all.into_iter().skip(start).take(limit).collect(), next_cursor })
}

fn parse_cursor(cursor: &str) -> Option<usize> {
    cursor.strip_prefix(CURSOR_PREFIX)?.parse().ok()
}
