//! Builds the code that is injected into the target, with its own profile, so that the plugin carries it inside.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No libraries, no start-up code, nothing bound to the target's symbols (`memset` would be, without `-Bsymbolic`).
const LINK: [&str; 5] =
    ["-nostdlib", "-nostartfiles", "-Wl,-z,noexecstack", "-Wl,--gc-sections", "-Wl,-Bsymbolic"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("the crate is a folder of the workspace");
    for source in ["inferior", "walker", "format"] {
        println!("cargo::rerun-if-changed={}", root.join(source).join("src").display());
        println!("cargo::rerun-if-changed={}", root.join(source).join("Cargo.toml").display());
    }
    println!("cargo::rerun-if-changed={}", root.join("Cargo.toml").display());
    println!("cargo::rerun-if-changed=build.rs");
    let built = build(root, &out.join("blob"));
    std::fs::copy(&built, out.join("pyheap_inferior.so"))
        .unwrap_or_else(|error| panic!("failed to copy {}: {error}", built.display()));
}

fn build(root: &Path, target_dir: &Path) -> PathBuf {
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo
        .current_dir(root)
        .args(["rustc", "--quiet", "--package", "pyheap-inferior", "--lib", "--crate-type", "cdylib"])
        .args(["--features", "blob", "--profile", "blob", "--target", &target])
        .arg("--target-dir")
        .arg(target_dir)
        .arg("--")
        .args(["-C", "relocation-model=pic"]);
    for argument in LINK {
        cargo.arg("-C").arg(format!("link-arg={argument}"));
    }
    // What the outer build was told (wrappers such as clippy's, flags for coverage) is not for this one.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let outer =
            ["RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"];
        if outer.contains(&&*text) || text.starts_with("CARGO_PROFILE_") || text.starts_with("CARGO_FEATURE_")
        {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().unwrap_or_else(|error| panic!("failed to run {cargo:?}: {error}"));
    assert!(status.success(), "failed to build the code for the target: {cargo:?}");
    target_dir.join(target).join("blob").join("libpyheap_inferior.so")
}
