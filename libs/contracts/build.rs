//! Generates the contract's code from `proto/`: messages, clients and servers, the descriptor set, and the table of
//! who may call which RPC. An RPC without `tradewind.options.v1.access` fails the build.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto").canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect_protos(&root, &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("access.rs"), access_table(&compiler.descriptor_pool())?)?;

    let mut prost = tonic_prost_build::Config::new();
    prost.enable_type_names();
    tonic_prost_build::configure().compile_fds_with_config(compiler.file_descriptor_set(), prost)?;
    Ok(())
}

fn collect_protos(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_protos(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// The rules as a Rust table, sorted by path, so that the server looks one up without reflection.
fn access_table(pool: &DescriptorPool) -> Result<String, Box<dyn std::error::Error>> {
    let access = pool
        .get_extension_by_name("tradewind.options.v1.access")
        .ok_or("proto/tradewind/options/v1/access.proto defines no extension `access`")?;
    let mut rows = Vec::new();
    for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let options = method.options();
        if !options.has_extension(&access) {
            return Err(format!(
                "{} does not say who may call it: add option (tradewind.options.v1.access)",
                method.full_name()
            )
            .into());
        }
        let value = options.get_extension(&access);
        let rule = value.as_message().ok_or("access is a message")?;
        rows.push(rule_row(&method, rule)?);
    }
    rows.sort();
    let mut table = String::from("/// The rule of every RPC, sorted by path.\npub static RULES: &[Rule] = &[\n");
    for row in rows {
        writeln!(table, "    {row},")?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn rule_row(method: &MethodDescriptor, rule: &DynamicMessage) -> Result<String, String> {
    let public = field(rule, "public").as_bool().unwrap_or_default();
    let roles: Vec<String> = list(rule, "roles")
        .iter()
        .map(|role| match role.as_enum_number() {
            Some(1) => Ok("Role::Buyer".to_owned()),
            Some(2) => Ok("Role::Seller".to_owned()),
            Some(3) => Ok("Role::Operator".to_owned()),
            Some(4) => Ok("Role::Service".to_owned()),
            other => Err(format!("{} names role {other:?}, which is none", method.full_name())),
        })
        .collect::<Result<_, _>>()?;
    let scopes: Vec<String> =
        list(rule, "scopes").iter().map(|scope| format!("{:?}", scope.as_str().unwrap_or_default())).collect();
    if public != roles.is_empty() || public != scopes.is_empty() {
        return Err(format!("{}: an RPC is either public, or names roles and scopes", method.full_name()));
    }
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    Ok(format!(
        "Rule {{ path: {path:?}, public: {public}, roles: &[{}], scopes: &[{}] }}",
        roles.join(", "),
        scopes.join(", ")
    ))
}

fn field(message: &DynamicMessage, name: &str) -> Value {
    message.get_field_by_name(name).map_or(Value::Bool(false), std::borrow::Cow::into_owned)
}

fn list(message: &DynamicMessage, name: &str) -> Vec<Value> {
    match field(message, name) {
        Value::List(values) => values,
        _ => Vec::new(),
    }
}
