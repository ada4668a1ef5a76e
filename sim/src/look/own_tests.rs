//! Folders that people bring, good and bad ones.

use std::fs;
use std::path::Path;

use super::mesh::{Mesh, Patch};
use super::*;

const SKU: &str = "name = \"lamp\"\nsize_m = [0.12, 0.08, 0.06]\nmass_kg = 0.3\nshape = \"box\"\nmaterial = \"plastic\"\nfragility = \"normal\"\n";

fn cuboid(half: [f32; 3]) -> Mesh {
    Mesh::cuboid(half, &[Patch { left: 0.1, top: 0.2, right: 0.9, bottom: 0.8, turned: false }; 6])
}

fn texture() -> Vec<u8> {
    Texture::new(16, 8, (0..16 * 8 * 3).map(|i| (i * 2 % 251) as u8).collect()).unwrap().to_png().unwrap()
}

/// A GLB file of one mesh and one picture; glTF has y up.
fn glb(mesh: &Mesh, picture: &[u8]) -> Vec<u8> {
    let mut data: Vec<u8> = Vec::new();
    let mut views = Vec::new();
    let mut push = |bytes: Vec<u8>| {
        views.push(serde_json::json!({"buffer": 0, "byteOffset": data.len(), "byteLength": bytes.len()}));
        data.extend(bytes);
        data.resize(data.len().next_multiple_of(4), 0);
    };
    let up = |p: &[f32; 3]| [p[0], p[2], -p[1]];
    push(mesh.positions.iter().flat_map(up).flat_map(f32::to_le_bytes).collect());
    push(mesh.uvs.iter().flatten().flat_map(|v| v.to_le_bytes()).collect());
    push(mesh.triangles.iter().flatten().flat_map(|v| v.to_le_bytes()).collect());
    push(picture.to_vec());
    let count = mesh.positions.len();
    let bound = |pick: fn(f32, f32) -> f32, from: f32| -> Vec<f32> {
        (0..3).map(|k| mesh.positions.iter().map(|p| up(p)[k]).fold(from, pick)).collect()
    };
    let json = serde_json::json!({
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}], "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": count, "type": "VEC3", "min": bound(f32::min, f32::MAX), "max": bound(f32::max, f32::MIN)},
            {"bufferView": 1, "componentType": 5126, "count": count, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5125, "count": mesh.triangles.len() * 3, "type": "SCALAR"},
        ],
        "bufferViews": views, "buffers": [{"byteLength": data.len()}],
    });
    let mut text = serde_json::to_vec(&json).unwrap();
    text.resize(text.len().next_multiple_of(4), b' ');
    let mut file = b"glTF".to_vec();
    for word in [2u32, (28 + text.len() + data.len()) as u32, text.len() as u32, 0x4E4F_534A] {
        file.extend(word.to_le_bytes());
    }
    file.extend(text);
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(0x004E_4942u32.to_le_bytes());
    file.extend(data);
    file
}

/// A catalogue of one folder `lamp` with these files.
fn bring(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("lamp")).unwrap();
    fs::write(folder.path().join("lamp/sku.toml"), SKU).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join("lamp").join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn a_brought_obj_and_a_brought_glb_become_the_same_sku() {
    let mesh = cuboid([0.06, 0.04, 0.03]);
    // The OBJ stands beside its frame's origin and has its normals left out.
    let moved: String = mesh
        .to_obj()
        .lines()
        .filter(|l| !l.starts_with("vn "))
        .map(|l| match l.strip_prefix("v ") {
            Some(p) => {
                let p: Vec<f32> = p.split(' ').map(|v| v.parse().unwrap()).collect();
                format!("v {} {} {}\n", p[0] + 0.5, p[1], p[2] + 0.03)
            }
            None if l.starts_with("f ") => {
                let corners: Vec<String> =
                    l[2..].split(' ').map(|c| c.split('/').take(2).collect::<Vec<_>>().join("/")).collect();
                format!("f {}\n", corners.join(" "))
            }
            None => format!("{l}\n"),
        })
        .collect();
    let obj = bring(&[("lamp.obj", moved.into_bytes()), ("texture.png", texture())]);
    let glb = bring(&[("lamp.glb", glb(&mesh, &texture()))]);
    let load = |f: &Path| load_catalogue(f).unwrap().remove(0);
    let (a, b) = (load(obj.path()), load(glb.path()));
    for sku in [&a, &b] {
        assert_eq!(sku.sku.name.as_str(), "lamp");
        let facts = MeshFacts::of(&sku.mesh);
        assert_eq!((facts.triangles, facts.fault()), (12, None));
        assert!((facts.size_m[0] - 0.12).abs() < 1e-5 && (facts.size_m[2] - 0.06).abs() < 1e-5, "{facts:?}");
        assert!((facts.volume_m3 / (0.12 * 0.08 * 0.06) - 1.0).abs() < 1e-4, "{facts:?}");
        assert!((sku.truth.mass_kg / 0.3 - 1.0).abs() < 0.1);
        let TrueShape::Mesh { parts } = &sku.hull_shape else { panic!("a mesh") };
        assert_eq!(parts.len(), 1, "a box is one part");
    }
    assert!(a.texture == b.texture && a.truth.friction == b.truth.friction);
    // Parts are kept, and what is kept is what the next load gives.
    assert!(obj.path().join("lamp/truth/parts.json").is_file());
    assert!(load(obj.path()) == a);
}

#[test]
fn brought_folders_that_cannot_be_used_are_refused_with_file_field_value_and_rule() {
    let check = |files: &[(&str, Vec<u8>)], expected: &str| {
        let folder = bring(files);
        let text = load_catalogue(folder.path()).unwrap_err().to_string();
        let text = text.replace(&folder.path().display().to_string(), "C");
        assert!(text.contains(expected), "{text}");
    };
    let obj = |half: [f32; 3]| cuboid(half).to_obj().into_bytes();
    let good = obj([0.06, 0.04, 0.03]);
    let picture = || ("texture.png", texture());
    check(
        &[picture()],
        "C/lamp: mesh is 0 files that end in .obj or .glb; must be truth/truth.toml with truth/mesh.obj",
    );
    check(&[("a.obj", good.clone()), ("b.obj", good.clone()), picture()], "mesh is 2 files that end in .obj or .glb");
    check(&[("a.obj", good.clone())], "C/lamp/a.obj: texture is none; must be the GLB's base colour texture");
    check(&[("a.obj", good.clone()), ("texture.png", b"no".to_vec())], "C/lamp/texture.png: picture is");
    let millimetres = obj([60.0, 40.0, 30.0]);
    check(&[("a.obj", millimetres), picture()], "size is [120.0, 80.0, 60.0]; must be metres, near size_m of sku.toml");
    check(&[("a.obj", obj([2.362, 1.575, 1.181])), picture()], "it looks like inches: scale it by 0.0254");
    let open = String::from_utf8(good.clone()).unwrap().trim_end().rsplit_once('\n').unwrap().0.to_owned();
    check(
        &[("a.obj", open.into_bytes()), picture()],
        "a.obj: faces is 3 open edges of 11 triangles; must be a closed surface",
    );
    let mut inside_out = cuboid([0.06, 0.04, 0.03]);
    inside_out.triangles.iter_mut().for_each(|t| t.swap(0, 1));
    check(&[("a.obj", inside_out.to_obj().into_bytes()), picture()], "faces is inverted, it encloses -0.000576 m³");
    check(&[("a.obj", b"v 1 2\nf 1 2 3".to_vec()), picture()], "catalogue file C/lamp/a.obj: ");
    check(&[("a.obj", b"v 0 0 nan\nv 0 1 0\nv 1 0 0\nf 1 2 3".to_vec()), picture()], "position is [0.0, 0.0, NaN]");
    check(&[("a.glb", b"glTF no".to_vec())], "catalogue file C/lamp/a.glb: ");
    let heavy = bring(&[("a.obj", good), picture()]);
    fs::write(heavy.path().join("lamp/sku.toml"), SKU.replace("0.3", "900.0")).unwrap();
    let text = load_catalogue(heavy.path()).unwrap_err().to_string();
    assert!(text.contains("sku.toml: mass_kg is 900; must be from 0.001 to 25 kg"), "{text}");
}

#[test]
fn a_report_tells_what_is_wrong_and_how_large_each_sku_is() {
    let folder = bring(&[("a.obj", cuboid([0.06, 0.04, 0.04]).to_obj().into_bytes()), ("texture.png", texture())]);
    let report = check_catalogue(folder.path(), false).unwrap().remove(0);
    let found = |field: &str| report.findings.iter().find(|f| f.field == field);
    assert!(report.is_refused() && found("views").is_some_and(|f| f.refused && f.value == "0 of 6"));
    let size = found("size_m").unwrap();
    assert_eq!((size.value.as_str(), size.rule.as_str()), ("0.060 m along z", "about 0.080 m, as the mesh has it"));
    assert_eq!((report.parts, report.mesh.as_ref().unwrap().triangles), (1, 12));
    assert!(report.bytes > 1_000 && found("barcode").is_some());
    // Views can be drawn from the mesh; then it can be used.
    let report = check_catalogue(folder.path(), true).unwrap().remove(0);
    assert!(!report.is_refused() && report.views == 6, "{report:?}");
    // What can't be loaded is in the report, not an error of the check.
    fs::write(folder.path().join("lamp/sku.toml"), SKU.replace("0.06]", "-0.06]")).unwrap();
    let report = check_catalogue(folder.path(), false).unwrap().remove(0);
    assert_eq!(report.findings[0].rule, "each side from 0.005 to 0.6 m");
    assert!(report.mesh.is_some());
}
