//! Rebuilds when the linker script changes; `cargo xtask build` passes it to the linker.

fn main() {
    println!("cargo:rerun-if-changed=link.ld");
}
