//! Compiles again when a migration changes: the macro that embeds them does not notice.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
