use super::*;

fn record(job: &str, partition: u32, number: u64, emitted: u64) -> Record {
    Record { partition, number, version: "1.0.0".into(), job: job.into(), emitted }
}

/// Records of one partition with these numbers.
fn records(jobs: &[(&str, &[u64])]) -> Records {
    let each = |(job, numbers): &(&str, &[u64])| numbers.iter().map(|n| record(job, 0, *n, *n)).collect::<Vec<_>>();
    Records(jobs.iter().flat_map(each).collect())
}

fn numbers(all: &[(u32, u64)]) -> Numbers {
    all.iter().copied().collect()
}

#[test]
fn a_good_hand_over_has_no_missing_and_no_doubled_records() {
    let committed = records(&[("old", &[0, 1, 2]), ("new", &[3, 4, 5])]);
    assert_eq!(count(&committed, &committed, &numbers(&[(0, 5)]), &[]), Count::default());
}

#[test]
fn a_hole_is_missing_and_records_above_the_limit_do_not_count() {
    let committed = records(&[("old", &[0, 1]), ("new", &[3, 4, 6, 6])]);
    let count = count(&committed, &committed, &numbers(&[(0, 4)]), &[]);
    assert_eq!(count, Count { missing: 1, ..Count::default() });
}

#[test]
fn all_records_of_an_empty_partition_are_missing() {
    let committed = records(&[("old", &[0, 1])]);
    assert_eq!(count(&committed, &committed, &numbers(&[(0, 1), (1, 9)]), &[]).missing, 10);
}

#[test]
fn commits_of_a_failed_job_are_expected_twice_and_its_emits_are_replayed() {
    let committed = records(&[("old", &[0, 1, 2]), ("bad", &[3, 4]), ("back", &[3, 4, 5, 6])]);
    // crashed and emitted 5 twice without ever committing it
    let emitted = records(&[("old", &[0, 1, 2]), ("bad", &[3, 4, 5, 5]), ("back", &[3, 4, 5, 6])]);
    let bad = Abandoned { job: "bad", after: committed.highest("old") };
    let count = count(&committed, &emitted, &committed.highest("back"), &[bad]);
    assert_eq!(count, Count { missing: 0, doubled: 2, expected_doubled: 2, replayed: 3 });
}

#[test]
fn after_a_rewind_only_records_above_the_older_state_are_expected_twice() {
    let committed = records(&[("old", &[0, 1, 2, 3]), ("rewound", &[2, 3, 4])]);
    let old = Abandoned { job: "old", after: numbers(&[(0, 1)]) };
    let count = count(&committed, &committed, &numbers(&[(0, 4)]), &[old]);
    assert_eq!(count, Count { missing: 0, doubled: 2, expected_doubled: 2, replayed: 2 });
}

#[test]
fn unexpected_doubles_are_counted() {
    let committed = records(&[("old", &[0, 1, 2]), ("new", &[2, 3])]);
    let count = count(&committed, &committed, &numbers(&[(0, 3)]), &[]);
    assert_eq!((count.doubled, count.expected_doubled), (1, 0));
}

#[test]
fn passed_means_above_in_every_partition() {
    let before = numbers(&[(0, 5), (1, 7)]);
    assert!(passed(&numbers(&[(0, 6), (1, 8)]), &before));
    assert!(!passed(&numbers(&[(0, 6), (1, 7)]), &before));
    assert!(!passed(&numbers(&[(0, 6)]), &before));
}

#[test]
fn the_downtime_is_from_the_last_record_to_the_first() {
    let emitted = Records(vec![record("old", 0, 0, 100), record("old", 1, 0, 140), record("new", 1, 1, 900)]);
    assert_eq!(downtime(&emitted, "old", "new"), Some(760));
    assert_eq!(downtime(&emitted, "old", "other"), None);
}

#[test]
fn only_visible_files_and_whole_lines_are_read() {
    let data = std::env::temp_dir().join(format!("records-{}", std::process::id()));
    for folder in ["out/a", "emitted/a"] {
        fs::create_dir_all(data.join(folder)).unwrap();
    }
    fs::write(data.join("out/a/part-0.csv"), "2,7,1.0.0,a,1000\n").unwrap();
    fs::write(data.join("out/a/.part-1.csv.inprogress.x"), "2,8,1.0.0,a,1001\n").unwrap();
    fs::write(data.join("emitted/a/0-0.csv"), "2,7,1.0.0,a,1000\n2,8,1.0.0,a,10").unwrap();
    let (committed, emitted) = (Records::committed(&data), Records::emitted(&data));
    fs::write(data.join("out/a/part-0.csv"), "no record\n").unwrap();
    let problem = Records::committed(&data).unwrap_err();
    fs::remove_dir_all(&data).unwrap();
    assert_eq!(committed.unwrap().0, vec![record("a", 2, 7, 1000)]);
    assert_eq!(emitted.unwrap().0, vec![record("a", 2, 7, 1000)]);
    assert!(problem.to_string().contains("part-0.csv"), "{problem}");
}
