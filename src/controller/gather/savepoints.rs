//! Lists the savepoints of a rollout, if their directory is mounted.

use std::{io, path::Path};

use crate::{
    api::{StatePath, path_below},
    rollout::{World, own_directory},
};

/// Lists the completed savepoints in the rollout's own directory; none if the bot cannot see that directory.
///
/// Flink makes the directory together with the savepoint. But a directory that is not there may also be a wrong mount, or a file system
/// that shows it late. So a missing directory, like one that cannot be read, is never taken for "there is no savepoint".
pub(super) async fn read_savepoints_on_disk(world: &World) -> Option<Vec<StatePath>> {
    let settings = &world.plan()?.settings.savepoint;
    let view = settings.local_view.as_ref()?;
    let directory = own_directory(&settings.directory, &world.rollout);
    let below = path_below(&view.prefix, &directory)?;
    let local = format!("{}/{below}", view.path.trim_end_matches('/'));
    match list_completed(Path::new(&local)).await {
        Ok(names) => Some(names.iter().map(|name| format!("{directory}/{name}").into()).collect()),
        Err(error) => {
            tracing::debug!(local, %error, "the savepoint directory cannot be listed");
            None
        }
    }
}

/// The names of the folders that hold a complete savepoint. One error makes the whole list unknown.
async fn list_completed(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut entries = tokio::fs::read_dir(folder).await?;
    while let Some(entry) = entries.next_entry().await? {
        let complete = match tokio::fs::try_exists(entry.path().join("_metadata")).await {
            // A plain file beside the savepoints holds none.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
            other => other?,
        };
        if complete {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_entry_that_cannot_be_read_makes_the_list_unknown() {
        let folder = std::env::temp_dir().join(format!("lockkeeper-savepoints-{}", std::process::id()));
        assert!(list_completed(&folder).await.is_err(), "it is not there");
        std::fs::create_dir_all(folder.join("savepoint-1")).unwrap();
        std::fs::create_dir_all(folder.join("savepoint-2")).unwrap();
        std::fs::write(folder.join("savepoint-1/_metadata"), "").unwrap();
        std::fs::write(folder.join("a-file"), "").unwrap();
        assert_eq!(list_completed(&folder).await.unwrap(), ["savepoint-1"]);
        std::os::unix::fs::symlink(folder.join("loop"), folder.join("loop")).unwrap();
        assert!(list_completed(&folder).await.is_err(), "a loop of links cannot be followed");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
