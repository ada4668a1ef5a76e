//! ONNX Runtime: loading the library, the two models, and running them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};
use thiserror::Error;

use crate::CatalogueError;

/// Why [`Perception::load`](crate::Perception::load) refused. Nothing was loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A setting is out of range.
    #[error("setting {field} is {value}; must be {rule}")]
    Setting {
        /// The setting.
        field: &'static str,
        /// Its value.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The ONNX Runtime library is not there.
    #[error(
        "ONNX Runtime library {} is not there; must be a libonnxruntime of version 1.24 or newer: \
         run `make setup`, or unzip it from the PyPI wheel onnxruntime 1.31.1",
        file.display()
    )]
    RuntimeMissing {
        /// Where it was looked for.
        file: PathBuf,
    },
    /// The ONNX Runtime library can't be loaded.
    #[error(
        "ONNX Runtime library {} is not usable: {why}; must be a libonnxruntime of version 1.24 or newer \
         for this machine",
        file.display()
    )]
    Runtime {
        /// The library.
        file: PathBuf,
        /// What the loader said.
        why: String,
    },
    /// A model file is not there.
    #[error("model {} is not there; must be an ONNX file that perception/training wrote", file.display())]
    ModelMissing {
        /// Where it was looked for.
        file: PathBuf,
    },
    /// A model file can't be read as a network.
    #[error("model {} is not usable: {why}; must be an ONNX file that perception/training wrote", file.display())]
    Model {
        /// The model.
        file: PathBuf,
        /// What ONNX Runtime said.
        why: String,
    },
    /// A model's tensor is not what this crate feeds or reads.
    #[error("model {}: {which} tensor {index} is {found}; must be {rule}", file.display())]
    Tensor {
        /// The model.
        file: PathBuf,
        /// `input` or `output`.
        which: &'static str,
        /// Which of them.
        index: usize,
        /// Its name, type and shape.
        found: String,
        /// What it must be.
        rule: String,
    },
    /// A number that training writes into a model is missing or out of range.
    #[error("model {}: metadata {key} is {value}; must be {rule}", file.display())]
    Metadata {
        /// The model.
        file: PathBuf,
        /// The key.
        key: &'static str,
        /// What was found.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The catalogue is refused.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// The process's one environment; ONNX Runtime allows no second.
static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);

/// Loads the library once a process; later calls give the same environment, whatever their path.
pub(crate) fn environment(library: &Path) -> Result<Environment, LoadError> {
    let mut slot = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    // The path is checked even when another library is loaded already: a wrong file is a wrong file.
    let file = fs::canonicalize(library).map_err(|_| LoadError::RuntimeMissing { file: library.to_path_buf() })?;
    if let Some(environment) = slot.as_ref() {
        return Ok(environment.clone());
    }
    let broken = |why: String| LoadError::Runtime { file: file.clone(), why };
    let environment = ort::init_from(&file)
        .map_err(|error| broken(error.to_string()))?
        .with_name("nuthatch")
        .with_telemetry(false)
        .build()
        .map_err(|error| broken(error.to_string()))?;
    Ok(slot.insert(environment).clone())
}

/// What a tensor must be; -1 is any size.
pub(crate) struct TensorRule {
    pub name: &'static str,
    pub shape: &'static [i64],
}

/// One loaded model with one input and one output.
pub(crate) struct Network {
    session: Session,
    output: &'static str,
    file: PathBuf,
}

impl Network {
    /// Loads a model and checks its tensors.
    pub(crate) fn load(
        environment: &Environment,
        file: &Path,
        threads: usize,
        input: &TensorRule,
        output: &TensorRule,
    ) -> Result<Self, LoadError> {
        if !file.is_file() {
            return Err(LoadError::ModelMissing { file: file.to_path_buf() });
        }
        let session = open(environment, file, threads)
            .map_err(|error| LoadError::Model { file: file.to_path_buf(), why: error.to_string() })?;
        check_tensor(file, "input", session.inputs(), input)?;
        check_tensor(file, "output", session.outputs(), output)?;
        Ok(Self { session, output: output.name, file: file.to_path_buf() })
    }

    /// Runs the model on one input tensor; gives the output's numbers.
    pub(crate) fn run(&mut self, shape: [usize; 4], input: &[f32]) -> Result<Vec<f32>, ort::Error> {
        let tensor = TensorRef::from_array_view((shape, input))?;
        let outputs = self.session.run(ort::inputs![tensor])?;
        let value = outputs.get(self.output).ok_or_else(|| ort::Error::new(format!("no output {}", self.output)))?;
        let (_, numbers) = value.try_extract_tensor::<f32>()?;
        Ok(numbers.to_vec())
    }

    /// A number that training wrote into the model's metadata.
    pub(crate) fn number(&self, key: &'static str, low: f64, high: f64, rule: &'static str) -> Result<f64, LoadError> {
        let text = self.session.metadata().ok().and_then(|metadata| metadata.custom(key));
        let number = text.as_deref().and_then(|t| t.trim().parse::<f64>().ok());
        match number {
            Some(number) if (low..=high).contains(&number) => Ok(number),
            _ => Err(LoadError::Metadata {
                file: self.file.clone(),
                key,
                value: text.unwrap_or_else(|| "missing".into()),
                rule,
            }),
        }
    }
}

fn open(environment: &Environment, file: &Path, threads: usize) -> Result<Session, ort::Error> {
    Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_deterministic_compute(true)?
        .commit_from_file(file)
}

fn check_tensor(file: &Path, which: &'static str, tensors: &[Outlet], rule: &TensorRule) -> Result<(), LoadError> {
    let wrong = |found: String| LoadError::Tensor {
        file: file.to_path_buf(),
        which,
        index: 0,
        found,
        rule: format!("{} float32 {}", rule.name, sizes(rule.shape)),
    };
    let Some(tensor) = tensors.first() else {
        return Err(wrong("missing".into()));
    };
    let ValueType::Tensor { ty, shape, .. } = tensor.dtype() else {
        return Err(wrong(format!("{} of another type", tensor.name())));
    };
    // A model's dynamic size (-1) fits a rule's "any", and only that.
    let fits = tensor.name() == rule.name
        && *ty == TensorElementType::Float32
        && shape[..] == *rule.shape
        && tensors.len() == 1;
    if fits {
        Ok(())
    } else {
        Err(wrong(format!(
            "{} {} {}{}",
            tensor.name(),
            format!("{ty:?}").to_lowercase(),
            sizes(shape),
            if tensors.len() > 1 { format!(" and {} more", tensors.len() - 1) } else { String::new() }
        )))
    }
}

fn sizes(shape: &[i64]) -> String {
    let sizes: Vec<String> = shape.iter().map(|&n| if n < 0 { "any".into() } else { n.to_string() }).collect();
    format!("[{}]", sizes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The input that `pattern` of training/export.py makes.
    fn pattern(shape: [usize; 4]) -> Vec<f32> {
        let place = |n: usize| n as f64;
        let one = |n: usize| (0.37 * place(n) + 3e-4 * place(n % 977).powi(2)).sin() as f32;
        (0..shape.iter().product()).map(one).collect()
    }

    #[test]
    fn the_instances_answer_as_they_did_in_pytorch() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let library = std::env::var_os("NUTHATCH_ONNXRUNTIME")
            .map_or_else(|| folder.join("../.local/onnxruntime/libonnxruntime.so"), PathBuf::from);
        let environment = environment(&library).unwrap();
        let rule = |name| TensorRule { name, shape: &[1, 5, 240, 320] };
        let model = folder.join("models/instances.onnx");
        let mut network = Network::load(&environment, &model, 2, &rule("image"), &rule("maps")).unwrap();
        let shape = [1, 5, 240, 320];
        // Every 97th number was kept (`remember` of training/export.py).
        let found: Vec<f32> = network.run(shape, &pattern(shape)).unwrap().into_iter().step_by(97).collect();
        let bytes = fs::read(folder.join("tests/data/instances.bin")).unwrap();
        let expected: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        assert_eq!(found.len(), expected.len());
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let most = expected.iter().fold(0.0, |most: f32, e| most.max(e.abs()));
        assert!(off <= 1e-3 * most.max(1.0), "{off} away from PyTorch, of {most}");
        assert!(most > 0.05, "remembered as zeros");
    }
}
