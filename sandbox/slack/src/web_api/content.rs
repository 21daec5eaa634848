//! Reads the content of a message (text, blocks, metadata) and checks Slack's limits.

use serde_json::Value;

use super::arguments::Arguments;
use super::error::ApiError;
use crate::blocks;
use crate::world::MetadataChange;

/// The maximum text. Slack truncates a longer text of a post and refuses it on update; both are mistakes of the bot.
const MAX_TEXT: usize = 40_000;

/// The maximum size of all blocks together, as JSON. Slack documents no figure. People measured about 13 200 characters
/// (slackapi/bolt-js issues 2509 and 2867).
const MAX_BLOCKS_TEXT: usize = 13_200;

/// The checked content. A value that was not sent is `None`.
#[derive(Debug, Default, Clone)]
pub(crate) struct Content {
    pub(crate) text: Option<String>,
    pub(crate) blocks: Option<Vec<Value>>,
    pub(crate) metadata: MetadataChange,
}

impl Content {
    /// Whether it shows anything.
    pub(crate) fn is_visible(&self) -> bool {
        self.text.as_ref().is_some_and(|text| !text.trim().is_empty())
            || self.blocks.as_ref().is_some_and(|blocks| !blocks.is_empty())
    }
}

/// Reads the content from a call's arguments and checks it.
pub(crate) fn check_content(arguments: &Arguments) -> Result<Content, ApiError> {
    for unsupported in ["attachments", "markdown_text", "files"] {
        if arguments.to_value().get(unsupported).is_some() {
            let message = format!("the simulator does not take `{unsupported}`: use blocks");
            return Err(ApiError::invalid_arguments(&message));
        }
    }
    Ok(Content { text: read_text(arguments)?, blocks: read_blocks(arguments)?, metadata: read_metadata(arguments)? })
}

fn read_text(arguments: &Arguments) -> Result<Option<String>, ApiError> {
    match arguments.text("text") {
        Some(text) if text.chars().count() > MAX_TEXT => Err(ApiError::new("msg_too_long")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn read_blocks(arguments: &Arguments) -> Result<Option<Vec<Value>>, ApiError> {
    match arguments.structured("blocks") {
        Ok(None) => Ok(None),
        Ok(Some(Value::Array(mut list))) => {
            let problems = blocks::check(&list);
            if !problems.is_empty() {
                return Err(ApiError::with_messages("invalid_blocks", problems));
            }
            if Value::from(list.clone()).to_string().chars().count() > MAX_BLOCKS_TEXT {
                return Err(ApiError::new("msg_blocks_too_long"));
            }
            blocks::add_defaults(&mut list);
            Ok(Some(list))
        }
        Err(()) | Ok(Some(_)) => Err(ApiError::new("invalid_blocks_format")),
    }
}

fn read_metadata(arguments: &Arguments) -> Result<MetadataChange, ApiError> {
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
