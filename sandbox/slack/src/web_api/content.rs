//! The content of a message as an app sends it: text, blocks, metadata, each held to Slack's limits.

use serde_json::Value;

use super::arguments::Arguments;
use super::error::ApiError;
use crate::blocks;
use crate::world::MetadataChange;

/// Longer texts are refused. (Slack truncates above 40 000 and refuses on update; a bot should do neither.)
const TEXT_LIMIT: usize = 40_000;

/// All blocks together. Slack documents no figure; people measured about 13 200 characters, containers included
/// (slackapi/bolt-js issues 2509 and 2867).
const BLOCKS_LIMIT: usize = 13_200;

/// Checked content. `None` was not sent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Content {
    pub(crate) text: Option<String>,
    pub(crate) blocks: Option<Vec<Value>>,
    pub(crate) metadata: MetadataChange,
}

impl Content {
    /// Whether anything in it can be shown.
    pub(crate) fn is_visible(&self) -> bool {
        self.text.as_ref().is_some_and(|text| !text.trim().is_empty())
            || self.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty())
    }
}

/// Reads and checks the content out of a call's arguments.
pub(crate) fn check_content(arguments: &Arguments) -> Result<Content, ApiError> {
    for unsupported in ["attachments", "markdown_text", "files"] {
        if arguments.to_value().get(unsupported).is_some() {
            let message = format!("the simulator does not take `{unsupported}`: use blocks");
            return Err(ApiError::invalid_arguments(&message));
        }
    }
    Ok(Content { text: text(arguments)?, blocks: blocks(arguments)?, metadata: metadata(arguments)? })
}

fn text(arguments: &Arguments) -> Result<Option<String>, ApiError> {
    match arguments.text("text") {
        Some(text) if text.chars().count() > TEXT_LIMIT => Err(ApiError::new("msg_too_long")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn blocks(arguments: &Arguments) -> Result<Option<Vec<Value>>, ApiError> {
    match arguments.structured("blocks") {
        Ok(None) => Ok(None),
        Ok(Some(Value::Array(mut list))) => {
            let problems = blocks::check(&list);
            if !problems.is_empty() {
                return Err(ApiError::with_messages("invalid_blocks", problems));
            }
            if Value::from(list.clone()).to_string().chars().count() > BLOCKS_LIMIT {
                return Err(ApiError::new("msg_blocks_too_long"));
            }
            blocks::complete(&mut list);
            Ok(Some(list))
        }
        Err(()) | Ok(Some(_)) => Err(ApiError::new("invalid_blocks_format")),
    }
}

fn metadata(arguments: &Arguments) -> Result<MetadataChange, ApiError> {
    match arguments.structured("metadata") {
        Err(()) => Err(ApiError::new("invalid_metadata_format")),
        Ok(None) => Ok(MetadataChange::Keep),
        Ok(Some(Value::Object(fields))) if fields.is_empty() => Ok(MetadataChange::Remove),
        Ok(Some(metadata)) => match blocks::check_metadata(&metadata) {
            Ok(()) => Ok(MetadataChange::Set(metadata)),
            Err(problem) => Err(ApiError::with_messages(problem.code, vec![problem.message])),
        },
    }
}
