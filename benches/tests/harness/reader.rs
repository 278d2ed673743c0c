//! Hostile input: each is refused in a sentence that names the file, the line or key, the value and the mend.

use std::fs;
use std::io::Write;
use std::path::Path;

use drover_benches::lifelong::Problem;

use super::{FILES, instance};

fn refusal(folder: &Path) -> String {
    let error = Problem::read(&folder.join("problem.json"), None).unwrap_err();
    format!("{error:#}").replace(&format!("{}/", folder.display()), "")
}

/// What is said when one file has this text instead.
fn with(name: &str, file: &str, text: &str) -> String {
    let folder = instance(name);
    fs::write(folder.join(file), text).unwrap();
    refusal(&folder)
}

/// What is said when `problem.json` has this value for the key.
fn with_key(name: &str, key: &str, value: &str) -> String {
    let (_, text) = FILES[0];
    let start = text.find(key).unwrap() + key.len() + 2;
    let end = start + text[start..].find([',', '}']).unwrap();
    with(name, "problem.json", &format!("{}{value}{}", &text[..start], &text[end..]))
}

#[test]
fn an_instance_is_read() {
    let folder = instance("read");
    let problem = Problem::read(&folder.join("problem.json"), None).unwrap();
    assert_eq!((problem.name.as_str(), problem.starts, problem.revealed), ("read", vec![0, 1], 2));
    assert_eq!(problem.tasks, [vec![1, 3], vec![4], vec![9]]);
}

#[test]
fn fewer_robots_see_fewer_tasks() {
    let folder = instance("fewer");
    let problem = Problem::read(&folder.join("problem.json"), Some(1)).unwrap();
    assert_eq!((problem.starts, problem.revealed), (vec![0], 1));
    let error = Problem::read(&folder.join("problem.json"), Some(3)).unwrap_err().to_string();
    assert!(error.starts_with("--robots 3: write 1 to 2, which is `teamSize` of"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    for (file, _) in FILES {
        let folder = instance("missing");
        fs::remove_file(folder.join(file)).unwrap();
        let said = refusal(&folder);
        assert!(said.starts_with(&format!("{file}: can't be read; give the path of a file: ")), "{said}");
    }
}

#[test]
fn robots_start_on_free_cells_of_the_map() {
    for (agents, said) in [
        ("2\n0\n6\n", "agents.txt:3: cell 6 is blocked on the map; choose a free one"),
        ("2\n0\n10\n", "agents.txt:3: cell 10 is off the map, which has cells 0 to 9"),
        ("2\n0\n-1\n", "agents.txt:3: `-1` isn't a cell's number"),
        ("2\n0\n1.5\n", "agents.txt:3: `1.5` isn't a cell's number"),
        ("2\n3\n3\n", "agents.txt: two robots start on cell 3; move one"),
        ("1\n3\n", "agents.txt: 1 robots, but `teamSize` of problem.json is 2; add robots or lower it"),
    ] {
        assert_eq!(with("starts", "agents.txt", agents), said);
    }
}

#[test]
fn errands_are_free_cells_of_the_map() {
    let long = "9".repeat(100);
    for (tasks, said) in [
        ("1\n1,6\n".to_owned(), "tasks.txt:2: cell 6 is blocked on the map; choose a free one".to_owned()),
        ("1\n1,,2\n".to_owned(), "tasks.txt:2: `` isn't a cell's number".to_owned()),
        ("1\n4294967296\n".to_owned(), "tasks.txt:2: `4294967296` isn't a cell's number".to_owned()),
        (format!("1\n{long}\n"), format!("tasks.txt:2: `{}…` isn't a cell's number", &long[..40])),
        ("0\n".to_owned(), "tasks.txt: no tasks; write one per line".to_owned()),
        ("# only this\n".to_owned(), "tasks.txt: empty; begin with a count".to_owned()),
    ] {
        assert_eq!(with("errands", "tasks.txt", &tasks), said);
    }
}

#[test]
fn a_count_line_is_not_believed() {
    for count in ["4", "18446744073709551615"] {
        let said = with("count", "tasks.txt", &format!("{count}\n1\n2\n3\n"));
        assert_eq!(
            said,
            format!("tasks.txt:1: {count} lines announced, 3 found; mend the count or add lines")
        );
    }
    for count in ["-1", "many", "18446744073709551616"] {
        let said = with("count", "tasks.txt", &format!("{count}\n1\n"));
        assert_eq!(said, format!("tasks.txt:1: `{count}` should be how many lines follow"));
    }
}

#[test]
fn a_team_has_robots() {
    let said = with_key("team", "teamSize", "0");
    assert_eq!(said, "problem.json: `teamSize` is 0; write how many robots play");
    let said = with_key("team", "teamSize", "18446744073709551615");
    assert!(said.ends_with("is 18446744073709551615; add robots or lower it"), "{said}");
    let said = with_key("team", "teamSize", "-1");
    assert!(
        said.starts_with("problem.json: not a problem of the 2024 rules: invalid value: integer `-1`"),
        "{said}"
    );
}

#[test]
fn a_sensible_number_of_tasks_is_revealed() {
    for (share, seen) in [("-1", "-2"), ("0", "0"), ("0.4", "0"), ("1e12", "2000000000000")] {
        let said = with_key("revealed", "numTasksReveal", share);
        let start = format!("problem.json: `numTasksReveal` is {}: ", share.parse::<f64>().unwrap());
        assert!(said.starts_with(&start), "{said}");
        assert!(said.contains(&format!("2 robots would see {seen} tasks at once; write a factor")), "{said}");
    }
    for share in ["NaN", "1e999", "\"1.5\""] {
        let said = with_key("revealed", "numTasksReveal", share);
        assert!(said.starts_with("problem.json: not a problem of the 2024 rules: "), "{said}");
        assert!(said.contains("at line 1 column"), "{said}");
    }
}

#[test]
fn a_map_has_free_cells() {
    for (map, said) in [
        ("", "map.map: line 1: expected `type octile`; a MovingAI map begins with type, height, width, map"),
        (
            "type octile\nheight 0\nwidth 0\nmap\n",
            "map.map: the map is 0 x 0 cells; 1 to 10000 each way are allowed",
        ),
        (
            "type octile\nheight 1\nwidth 4000000000\nmap\n",
            "map.map: the map is 4000000000 x 1 cells; 1 to 10000 each way are allowed",
        ),
        ("type octile\nheight 1\nwidth 2\nmap\n@T\n", "map.map: no free cell; write `.` for some"),
        ("type octile\nheight 2\nwidth 2\nmap\n..\n", "map.map: row 1 has 0 cells; the header's width is 2"),
    ] {
        assert_eq!(with("map", "map.map", map), said);
    }
}

#[test]
fn packed_tasks_are_read_whole_or_not_at_all() {
    let folder = instance("packed");
    let tasks = folder.join("tasks.txt");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&fs::read(&tasks).unwrap()).unwrap();
    let packed = packed.finish().unwrap();
    fs::remove_file(&tasks).unwrap();
    fs::write(folder.join("tasks.txt.gz"), &packed).unwrap();
    assert_eq!(Problem::read(&folder.join("problem.json"), None).unwrap().tasks.len(), 3);
    for length in 0..packed.len() {
        fs::write(folder.join("tasks.txt.gz"), &packed[..length]).unwrap();
        let said = refusal(&folder);
        assert!(
            said.starts_with("tasks.txt.gz is no whole gzip text; copy it again or gunzip it beside"),
            "{said}"
        );
    }
}

#[test]
fn no_cut_or_changed_byte_makes_it_panic() {
    for (file, text) in FILES {
        let folder = instance("mutated");
        let problem = folder.join("problem.json");
        for at in 0..text.len() {
            fs::write(folder.join(file), &text[..at]).unwrap();
            let _ = Problem::read(&problem, None);
            for byte in [0, b'9', b'-', b'\n', b'@', 0xff] {
                let mut bytes = text.as_bytes().to_vec();
                bytes[at] = byte;
                fs::write(folder.join(file), bytes).unwrap();
                let _ = Problem::read(&problem, None);
            }
        }
    }
}
