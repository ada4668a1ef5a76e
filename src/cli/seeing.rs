//! Arguments of the benches of perception.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Whose outlines items are recognised in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Masks {
    /// Those that the instance network finds.
    Own,
    /// The labelled ones.
    Given,
}

/// Labelled pictures of somebody's.
#[derive(Debug, Args)]
pub struct GivenSet {
    /// Labelled pictures in place of rendered ones: COCO JSON with polygons, run lengths or boxes.
    #[arg(long, value_name = "FILE", requires = "images")]
    pub coco: Option<PathBuf>,
    /// The folder that the COCO file's file_name starts from.
    #[arg(long, value_name = "DIR", requires = "coco")]
    pub images: Option<PathBuf>,
}

/// `nuthatch bench segment`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench segment
  nuthatch bench segment --full --json
  nuthatch bench segment --coco labels.json --images photos

Without --coco it renders totes of SKUs that no network was trained on: of families that training knows, and, in a row of
their own, of families and print styles that it never saw. Average precision is COCO's: 101 recall points, class-agnostic,
over all pictures; instances of fewer than 100 visible pixels, or less than a tenth visible, are ignored. A kind's figure
counts its instances, and of the wrong outlines those that overlap one of them most. Cut by the edge: every picture once more,
its left half cut away.")]
pub struct SegmentArgs {
    #[command(flatten)]
    pub set: GivenSet,
    /// How many scenes, from 1 to 10000, and half as many of held-out families: 30 when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000), conflicts_with = "coco")]
    pub scenes: Option<u64>,
    /// Seed of goods and scenes.
    #[arg(long, value_name = "N", default_value_t = 9001)]
    pub seed: u64,
    /// The reported length: 300 scenes.
    #[arg(long)]
    pub full: bool,
    /// The folder of instances.onnx and identity.onnx, in place of those that come with the program.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench identify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench identify
  nuthatch bench identify --full --picture wrong-against-refused.svg --json
  nuthatch bench identify --coco labels.json --images photos --catalog catalogue.json --masks own

Without --coco it renders totes of SKUs that no network was trained on, with manifests of 20 SKUs, those that look alike first,
and six reference views each. One SKU in eight that lies in a tote is missing from its manifest: its items are unknown. Half of the items visible by
half or more are shown a second time with 55 to 85 % of their outline cut away. Items of fewer than 100 visible pixels, or less
than a tenth visible, are left out.

Recall@1 and refused are over known items visible by half or more (full and partly hidden, where labels have words), look again
over the others, unknown refused over unknown ones; wrong is over all that is accepted. Of a COCO file, images[].manifest is the
manifest, and what is not in it is unknown. With --masks own, an outline of ours is an item's that it overlaps by half or more
(intersection over union); items without one are never right and never accepted.")]
pub struct IdentifyArgs {
    #[command(flatten)]
    pub set: GivenSet,
    /// The SKUs of --coco's pictures: a folder, or a catalogue.json.
    #[arg(long, value_name = "PATH", requires = "coco")]
    pub catalog: Option<PathBuf>,
    /// Whose outlines.
    #[arg(long, value_enum, default_value = "given")]
    pub masks: Masks,
    /// How many scenes, from 1 to 100000, and half as many of held-out families: 30 when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000), conflicts_with = "coco")]
    pub scenes: Option<u64>,
    /// Seed of goods, scenes and manifests.
    #[arg(long, value_name = "N", default_value_t = 9001)]
    pub seed: u64,
    /// The reported length: 4,500 scenes.
    #[arg(long)]
    pub full: bool,
    /// Draw wrong deliveries against refusals.
    #[arg(long, value_name = "FILE.svg")]
    pub picture: Option<PathBuf>,
    /// The folder of instances.onnx and identity.onnx, in place of those that come with the program.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench perception`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench perception
  nuthatch bench perception --full --json

Rendered totes of about 15 items at 640 x 480, with depth, each in three lights and each picture looked at once: a look (outlines,
beliefs, geometry), outlines alone, and beliefs of given outlines. `make peers` installs Python's ONNX Runtime, which then runs the
same two models beside ours.")]
pub struct PerceptionArgs {
    /// How many scenes, from 1 to 1000: 20 when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub scenes: Option<u64>,
    /// Seed of goods and scenes.
    #[arg(long, value_name = "N", default_value_t = 9001)]
    pub seed: u64,
    /// The reported length: 100 scenes.
    #[arg(long)]
    pub full: bool,
    /// The folder of instances.onnx and identity.onnx, in place of those that come with the program.
    #[arg(long, value_name = "DIR")]
    pub models: Option<PathBuf>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}
