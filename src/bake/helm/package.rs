//! Links in packaged charts, and in the packages of their dependencies.

use std::{
    cell::Cell,
    fs::File,
    io::{self, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use super::error::BakeError;

/// Most bytes of a package and of all packages in it, unpacked. Helm's own limit for one of them is 100 MiB.
const MAX_UNPACKED: u64 = 64 << 20;
/// Most packages inside each other.
const MAX_DEPTH: usize = 8;

/// Whether Helm loads this file of a chart as a packaged dependency.
pub(super) fn is_dependency(name: &str) -> bool {
    let mut parts = name.rsplit(['/', '\\']);
    parts.next().is_some_and(|file| file.rsplit_once('.').is_some_and(|(_, kind)| kind == "tgz"))
        && parts.next() == Some("charts")
}

/// Refuses a package with links, or with names that lead out of it, and so the packages in it.
pub(super) fn refuse_links_in_package(package: &Path) -> Result<(), BakeError> {
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let broken = |error: io::Error| BakeError::Chart(format!("the package {name} cannot be read: {error}"));
    let mut file = File::open(package).map_err(broken)?;
    check(&mut file, &name, &Cell::new(MAX_UNPACKED), MAX_DEPTH)
}

fn check(packed: &mut dyn Read, package: &str, left: &Cell<u64>, depth: usize) -> Result<(), BakeError> {
    if depth == 0 {
        return Err(BakeError::TooMuch(format!("more than {MAX_DEPTH} packages are inside each other")));
    }
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::FileTooLarge => {
            BakeError::TooMuch(format!("its packages have more than {} MiB unpacked", MAX_UNPACKED >> 20))
        }
        _ => BakeError::Chart(format!("the package {package} cannot be read: {error}")),
    };
    let mut archive = tar::Archive::new(Counted { inner: MultiGzDecoder::new(packed), left });
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if kind.is_pax_global_extensions() {
            continue;
        }
        if !kind.is_file() && !kind.is_dir() {
            return Err(BakeError::Chart(format!(
                "{name} in the package {package} is a link, or no file: put the file itself into the chart in its place"
            )));
        }
        if name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..") {
            return Err(BakeError::Chart(format!(
                "{name} in the package {package} leads out of the package: package the chart again with helm package"
            )));
        }
        if kind.is_file() && is_dependency(&name) {
            check(&mut entry, &name, left, depth - 1)?;
        }
    }
    Ok(())
}

/// Counts down the bytes that may still be unpacked.
struct Counted<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.inner.read(into)?;
        let left = self.left.get().checked_sub(bytes as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.left.set(left);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, EntryType, Header};

    use super::*;

    /// A package with one entry. The name is written as it is, because the builder refuses `..`.
    fn package(name: &str, kind: EntryType, content: &[u8]) -> Vec<u8> {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        if kind.is_symlink() || kind.is_hard_link() {
            header.set_link_name("/proc/self/environ").unwrap();
        }
        header.set_size(content.len() as u64);
        header.set_cksum();
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
        builder.append(&header, content).unwrap();
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn refusal(package: &[u8]) -> String {
        check(&mut &package[..], "orders.tgz", &Cell::new(MAX_UNPACKED), MAX_DEPTH).unwrap_err().to_string()
    }

    #[test]
    fn links_and_names_that_lead_out_are_refused_in_packages_and_their_dependencies() {
        let bad = [
            (package("orders/files/a", EntryType::Symlink, b""), "is a link"),
            (package("orders/files/a", EntryType::Link, b""), "is a link"),
            (package("orders/files/a", EntryType::Fifo, b""), "no file"),
            (package("orders/../../a", EntryType::Regular, b"x"), "leads out"),
            (package("/etc/a", EntryType::Regular, b"x"), "leads out"),
            (package("orders\\..\\a", EntryType::Regular, b"x"), "leads out"),
        ];
        for (package_itself, why) in bad {
            assert!(refusal(&package_itself).contains(why), "{why}: {}", refusal(&package_itself));
            let outer = package("orders/charts/inner.tgz", EntryType::Regular, &package_itself);
            assert!(refusal(&outer).contains("in the package orders/charts/inner.tgz"), "{}", refusal(&outer));
        }
    }

    #[test]
    fn a_file_that_helm_does_not_unpack_may_hold_links() {
        let inner = package("jdk/bin/java", EntryType::Symlink, b"");
        let outer = package("orders/files/jdk.tgz", EntryType::Regular, &inner);
        check(&mut &outer[..], "orders.tgz", &Cell::new(MAX_UNPACKED), MAX_DEPTH).unwrap();
    }

    #[test]
    fn packages_that_unpack_to_very_much_are_refused() {
        let zeros = vec![0; usize::try_from(MAX_UNPACKED).unwrap()];
        let bomb = package("orders/files/zeros", EntryType::Regular, &zeros);
        assert!(refusal(&bomb).contains("more than 64 MiB unpacked"), "{}", refusal(&bomb));
        let mut nested = package("orders/Chart.yaml", EntryType::Regular, b"name: orders");
        for _ in 0..MAX_DEPTH {
            nested = package("orders/charts/a.tgz", EntryType::Regular, &nested);
        }
        assert!(refusal(&nested).contains("packages are inside each other"), "{}", refusal(&nested));
    }

    #[test]
    fn what_is_no_package_is_refused_with_its_name() {
        assert!(refusal(b"just text").contains("the package orders.tgz cannot be read"));
    }
}
