//! The page is embedded from `controller/web/dist`. Where it isn't built, a page that says so takes its place.

use std::path::Path;

const INSTEAD: &str = "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Drover</title>\n\
                       <p>The page isn't built: run <code>make web</code>, then build the program again.</p>\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../web/dist");
    let folder = Path::new("../web/dist");
    let index = folder.join("index.html");
    if index.exists() {
        return;
    }
    if let Err(error) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&index, INSTEAD)) {
        println!("cargo::error=failed to write {}: {error}", index.display());
    }
}
