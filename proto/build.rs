//! Generates the gRPC code from `drover/v1` with protox, without protoc. Does nothing without feature `grpc`.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "grpc")]
    if let Err(error) = grpc::generate() {
        println!("cargo::error=failed to generate the gRPC code: {error}");
    }
}

#[cfg(feature = "grpc")]
mod grpc {
    use std::path::PathBuf;

    use prost::Message;

    const FILES: [&str; 6] = ["audit", "common", "fleet", "floor", "job", "site"];

    #[expect(clippy::disallowed_methods, reason = "a build script writes what it generates")]
    pub fn generate() -> Result<(), Box<dyn std::error::Error>> {
        println!("cargo:rerun-if-changed=drover");
        let files = FILES.map(|name| format!("drover/v1/{name}.proto"));
        let descriptors = protox::compile(files, ["."])?;
        let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR isn't set")?);
        std::fs::write(out.join("drover_v1.bin"), descriptors.encode_to_vec())?;
        tonic_prost_build::configure().build_client(true).build_server(true).compile_fds(descriptors)?;
        Ok(())
    }
}
