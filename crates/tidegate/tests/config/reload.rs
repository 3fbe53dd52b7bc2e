//! A configuration that changes while it is used.

use std::fs;

use tidegate::config::{Loaded, Problems, Watch};

use super::files::Folder;

fn rule(limit: &str) -> String {
    format!("[[rules]]\nname='a'\nkey='ip'\nlimit='{limit}'\n")
}

fn limit_of(read: Option<Result<Loaded, Problems>>) -> String {
    read.unwrap().unwrap().rules()[0].limits().to_string()
}

#[test]
fn a_change_is_found_once() {
    let folder = Folder::new("change");
    let path = folder.write("t.toml", &rule("1/s"));
    let (mut watch, _) = Watch::open(&path).unwrap();

    assert!(watch.check().is_none());
    folder.write("t.toml", &rule("22/s"));
    assert_eq!(limit_of(watch.check()), "22/second");
    assert!(watch.check().is_none());
}

#[test]
fn a_mistake_is_told_once_and_its_end_too() {
    let folder = Folder::new("mistake");
    let path = folder.write("t.toml", &rule("1/s"));
    let (mut watch, _) = Watch::open(&path).unwrap();

    folder.write("t.toml", &rule("1/x"));
    assert!(watch.check().unwrap().is_err());
    assert!(watch.check().is_none() && watch.check().is_none());
    folder.write("t.toml", &rule("1/yy"));
    assert!(watch.check().unwrap().unwrap_err().to_string().contains("yy"));
    folder.write("t.toml", &rule("1/s"));
    assert_eq!(limit_of(watch.check()), "1/second");
    assert!(watch.check().is_none());
}

#[test]
fn files_that_are_included_are_watched_also_when_they_were_missing() {
    let folder = Folder::new("included");
    let path = folder.write("t.toml", "allow = [{ file = 'list' }]\n");
    folder.write("list", "192.0.2.1\n");
    let (mut watch, _) = Watch::open(&path).unwrap();

    folder.write("list", "192.0.2.1\n192.0.2.22\n");
    assert!(format!("{:?}", watch.check().unwrap().unwrap()).contains("192.0.2.22"));
    fs::remove_file(folder.0.join("list")).unwrap();
    assert!(watch.check().unwrap().is_err());
    folder.write("list", "192.0.2.1\n");
    assert!(watch.check().unwrap().is_ok());
}

#[test]
fn a_list_of_keys_is_watched() {
    let folder = Folder::new("keys-watched");
    let path = folder.write("t.toml", &(rule("1/s") + "exempt = { file = 'list' }\n"));
    folder.write("list", "192.0.2.1\n");
    let (mut watch, first) = Watch::open(&path).unwrap();
    assert!(first.rules()[0].is_exempt(b"192.0.2.1"));

    folder.write("list", "192.0.2.22\n");
    let changed = watch.check().unwrap().unwrap();
    assert!(changed.rules()[0].is_exempt(b"192.0.2.22"));
    assert!(!changed.rules()[0].is_exempt(b"192.0.2.1"));
    folder.write("list", "192.0.2.22\nnobody\n");
    assert!(watch.check().unwrap().unwrap_err().to_string().contains("list:2:1: nobody: "));
}

#[cfg(unix)]
#[test]
fn a_link_that_is_turned_is_a_change() {
    let folder = Folder::new("link");
    for (name, limit) in [("one", "1/s"), ("two", "2/s")] {
        fs::create_dir(folder.0.join(name)).unwrap();
        folder.write(&format!("{name}/t.toml"), &rule(limit));
    }
    let link = folder.0.join("current");
    std::os::unix::fs::symlink("one", &link).unwrap();
    let (mut watch, _) = Watch::open(&link.join("t.toml")).unwrap();

    std::os::unix::fs::symlink("two", folder.0.join("next")).unwrap();
    fs::rename(folder.0.join("next"), &link).unwrap();

    assert_eq!(limit_of(watch.check()), "2/second");
}

#[test]
fn reading_again_asks_for_no_change() {
    let folder = Folder::new("again");
    let path = folder.write("t.toml", &rule("1/s"));
    let (mut watch, _) = Watch::open(&path).unwrap();

    assert!(watch.again().is_ok() && watch.check().is_none());
}
