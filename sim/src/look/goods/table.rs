//! The goods that the program runs with: 126 SKUs of all families, each with its class.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Fragility, SkuName};

use super::super::brand::{draw_artwork, draw_brand};
use super::super::truth::TrueSku;
use super::{Class, Family, Good, PrintStyle, Slip, build_good};

use Class::{Adversarial, Basic, Typical};
use Family::{
    Basket, Blister, Book, Bottle, Brush, Bucket, Can, Carton, ClearTube, Cloth, Flask, Jar, Jug, MeshCup, NetBag,
    Polybag, Pouch, Slender, SoftPack, Tin, Tray, Tub, Tube,
};
use PrintStyle::{Kraft, Label, Packaged, Pattern, Photo, Plain, Poster, Technical};

/// Name; family, print, class; size in mm; mass in g.
type Row = (&'static str, Family, PrintStyle, Class, [u32; 3], u32);

/// What is called black is black. Every 20th row has a wrong mass or side in `sku.toml`, every 20th no mass.
#[rustfmt::skip]
const ROWS: [Row; 126] = [
    // Basic: boxes and cylinders with faces that a lip seals on.
    ("black-tea-bags-80", Carton, Packaged, Basic, [130, 80, 74], 240),
    ("corn-flakes-500", Carton, Photo, Basic, [190, 68, 260], 560),
    ("dishwasher-tabs-40", Carton, Packaged, Basic, [170, 100, 150], 820),
    ("baking-soda-500", Carton, Packaged, Basic, [92, 56, 140], 520),
    ("printer-ink-black", Carton, Technical, Basic, [110, 42, 120], 110),
    ("led-bulb-e27", Carton, Packaged, Basic, [66, 66, 118], 75),
    ("board-game-travel", Carton, Photo, Basic, [200, 140, 46], 480),
    ("router-ax1800", Carton, Technical, Basic, [220, 180, 70], 640),
    ("phone-case-box", Carton, Plain, Basic, [178, 96, 22], 90),
    ("first-aid-kit", Carton, Label, Basic, [180, 120, 60], 390),
    ("kraft-soap-150", Carton, Kraft, Basic, [90, 60, 34], 160),
    ("wood-screws-200", Carton, Kraft, Basic, [110, 80, 50], 720),
    ("puzzle-500", Carton, Photo, Basic, [240, 190, 45], 610),
    ("chocolate-gift-box", Carton, Pattern, Basic, [210, 160, 36], 320),
    ("perfume-50ml", Carton, Plain, Basic, [80, 42, 124], 230),
    ("toy-car-boxed", Carton, Poster, Basic, [160, 78, 80], 210),
    ("batteries-24-box", Carton, Packaged, Basic, [126, 64, 58], 610),
    ("stock-cubes-60", Carton, Packaged, Basic, [120, 72, 48], 640),
    ("cocoa-powder-250", Carton, Photo, Basic, [96, 62, 150], 290),
    ("coffee-capsules-20", Carton, Packaged, Basic, [230, 80, 68], 190),
    ("novel-paperback", Book, Photo, Basic, [130, 198, 28], 290),
    ("childrens-book", Book, Poster, Basic, [205, 240, 12], 340),
    ("composition-book", Book, Pattern, Basic, [190, 247, 12], 330),
    ("cook-book", Book, Photo, Basic, [195, 250, 24], 880),
    ("notebook-black-a5", Book, Plain, Basic, [145, 212, 16], 300),
    ("travel-guide", Book, Packaged, Basic, [120, 192, 20], 310),
    ("chickpeas-400", Can, Packaged, Basic, [74, 74, 110], 465),
    ("tuna-160", Can, Packaged, Basic, [86, 86, 42], 195),
    ("coconut-milk-400", Can, Photo, Basic, [75, 75, 108], 440),
    ("peeled-tomatoes-800", Can, Packaged, Basic, [99, 99, 118], 890),
    ("wood-wax-250", Can, Label, Basic, [86, 86, 64], 310),
    ("shoe-polish-tin", Can, Plain, Basic, [72, 72, 26], 95),
    ("protein-powder-450", Tub, Packaged, Basic, [110, 110, 152], 520),
    ("margarine-500", Tub, Photo, Basic, [118, 118, 78], 530),
    ("hair-gel-300", Tub, Plain, Basic, [88, 88, 74], 350),
    ("play-dough-pot", Tub, Packaged, Basic, [64, 64, 82], 190),
    ("vitamin-c-180", Tub, Label, Basic, [66, 66, 116], 210),
    ("mint-tin", Tin, Pattern, Basic, [96, 62, 22], 85),
    ("biscuit-tin", Tin, Photo, Basic, [196, 150, 62], 520),
    ("tea-tin-100", Tin, Pattern, Basic, [82, 82, 110], 190),
    ("first-aid-tin", Tin, Label, Basic, [130, 90, 34], 210),
    ("tissue-box-100", Carton, Pattern, Basic, [230, 115, 82], 220),
    // Typical: what a household has.
    ("water-500", Bottle, Packaged, Typical, [64, 64, 206], 515),
    ("iced-tea-500", Bottle, Photo, Typical, [66, 66, 208], 530),
    ("cola-330", Bottle, Packaged, Typical, [62, 62, 170], 350),
    ("mouthwash-250", Bottle, Label, Typical, [62, 62, 160], 280),
    ("maple-syrup-250", Bottle, Packaged, Typical, [58, 58, 168], 340),
    ("olive-oil-250", Bottle, Label, Typical, [56, 56, 196], 265),
    ("shampoo-300", Flask, Packaged, Typical, [72, 42, 196], 330),
    ("dish-soap-500", Flask, Photo, Typical, [88, 54, 226], 540),
    ("body-lotion-400", Flask, Plain, Typical, [80, 50, 190], 430),
    ("sun-milk-200", Flask, Packaged, Typical, [66, 40, 168], 230),
    ("ketchup-460", Flask, Photo, Typical, [76, 56, 186], 490),
    ("shower-gel-black", Flask, Packaged, Typical, [70, 40, 190], 280),
    ("stain-remover-500", Flask, Poster, Typical, [90, 52, 210], 545),
    ("bleach-1l", Jug, Label, Typical, [130, 84, 220], 1080),
    ("laundry-liquid-1l", Jug, Poster, Typical, [140, 80, 210], 1120),
    ("motor-oil-1l", Jug, Technical, Typical, [126, 70, 224], 930),
    ("deicer-black-1l", Jug, Technical, Typical, [128, 74, 214], 1060),
    ("jam-strawberry-340", Jar, Packaged, Typical, [74, 74, 98], 520),
    ("pickles-370", Jar, Photo, Typical, [72, 72, 120], 610),
    ("honey-250", Jar, Label, Typical, [70, 70, 84], 410),
    ("pasta-sauce-400", Jar, Packaged, Typical, [78, 78, 128], 640),
    ("toothpaste-75", Tube, Packaged, Typical, [52, 38, 158], 100),
    ("hand-cream-100", Tube, Plain, Typical, [56, 36, 150], 120),
    ("acrylic-paint-120", Tube, Label, Typical, [48, 38, 150], 170),
    ("sun-cream-50", Tube, Photo, Typical, [46, 32, 128], 65),
    ("glue-sticks-6", Blister, Packaged, Typical, [120, 160, 32], 130),
    ("toothbrushes-2", Blister, Packaged, Typical, [96, 230, 24], 60),
    ("paper-tape-roll", Blister, Poster, Typical, [92, 128, 32], 30),
    ("screwdriver-set", Blister, Packaged, Typical, [150, 220, 36], 310),
    ("usb-stick-64", Blister, Technical, Typical, [88, 124, 16], 22),
    ("razor-blades-8", Blister, Packaged, Typical, [110, 130, 26], 85),
    ("padlock-40-black", Blister, Plain, Typical, [90, 150, 34], 180),
    ("earphones-black", Blister, Photo, Typical, [92, 170, 34], 75),
    ("spaghetti-slim", Slender, Photo, Typical, [260, 58, 30], 510),
    ("aluminium-foil-30m", Slender, Packaged, Typical, [316, 46, 46], 330),
    ("table-candles-8", Slender, Pattern, Typical, [256, 88, 46], 400),
    ("pencils-24", Slender, Packaged, Typical, [184, 92, 20], 140),
    ("incense-sticks", Slender, Pattern, Typical, [262, 38, 18], 40),
    ("cling-film-20m", Slender, Kraft, Typical, [306, 40, 40], 240),
    ("tennis-balls-3", ClearTube, Packaged, Typical, [74, 74, 208], 220),
    ("golf-balls-4", ClearTube, Poster, Typical, [48, 48, 188], 195),
    ("coffee-beans-250", Pouch, Photo, Typical, [120, 200, 58], 265),
    ("trail-mix-200", Pouch, Photo, Typical, [130, 190, 44], 215),
    ("cat-treats-60", Pouch, Packaged, Typical, [110, 160, 36], 70),
    ("rice-pouch-250", Pouch, Packaged, Typical, [120, 180, 30], 265),
    ("socks-6-pairs", SoftPack, Packaged, Typical, [200, 270, 60], 310),
    ("wet-wipes-72", SoftPack, Photo, Typical, [180, 100, 52], 420),
    ("tissues-10-packs", SoftPack, Pattern, Typical, [210, 110, 56], 240),
    ("toy-bucket-small", Bucket, Plain, Typical, [150, 150, 160], 190),
    ("paint-pail-1l", Bucket, Label, Typical, [128, 128, 150], 260),
    // Adversarial: porous, perforated, creased, slim.
    ("potato-chips-175", Pouch, Photo, Adversarial, [190, 260, 80], 185),
    ("popcorn-90", Pouch, Packaged, Adversarial, [160, 230, 70], 100),
    ("foil-snack-black", Pouch, Packaged, Adversarial, [150, 210, 56], 120),
    ("balloons-50", Polybag, Packaged, Adversarial, [142, 187, 30], 55),
    ("gummy-bears-300", Polybag, Photo, Adversarial, [160, 210, 46], 310),
    ("cable-ties-100", Polybag, Label, Adversarial, [110, 230, 26], 120),
    ("wall-plugs-50", Polybag, Packaged, Adversarial, [110, 150, 34], 95),
    ("marbles-100", Polybag, Packaged, Adversarial, [120, 160, 40], 480),
    ("washers-black-200", Polybag, Label, Adversarial, [100, 140, 28], 320),
    ("building-bricks", Polybag, Photo, Adversarial, [180, 210, 50], 260),
    ("dog-biscuits-400", Polybag, Packaged, Adversarial, [170, 240, 60], 415),
    ("craft-beads", Polybag, Poster, Adversarial, [120, 170, 32], 150),
    ("black-socks-3-pairs", SoftPack, Plain, Adversarial, [150, 230, 50], 160),
    ("microfibre-cloths", SoftPack, Label, Adversarial, [190, 200, 54], 180),
    ("face-towel", Cloth, Packaged, Adversarial, [210, 150, 48], 190),
    ("t-shirt-black-m", Cloth, Packaged, Adversarial, [240, 190, 36], 180),
    ("tea-towels-2", Cloth, Pattern, Adversarial, [220, 150, 34], 170),
    ("gloves-black", Cloth, Plain, Adversarial, [130, 200, 34], 75),
    ("beanie", Cloth, Plain, Adversarial, [210, 180, 44], 95),
    ("oranges-1kg", NetBag, Packaged, Adversarial, [210, 160, 78], 1020),
    ("lemons-500", NetBag, Label, Adversarial, [190, 130, 66], 520),
    ("garlic-3", NetBag, Plain, Adversarial, [170, 80, 58], 160),
    ("toilet-brush", Brush, Packaged, Adversarial, [360, 74, 74], 175),
    ("dish-brush", Brush, Packaged, Adversarial, [260, 62, 62], 80),
    ("bottle-brush-black", Brush, Plain, Adversarial, [280, 48, 48], 55),
    ("pastry-brush", Brush, Plain, Adversarial, [200, 38, 38], 35),
    ("pencil-cup-black", MeshCup, Technical, Adversarial, [88, 88, 98], 120),
    ("wire-bin-small", MeshCup, Poster, Adversarial, [130, 130, 140], 210),
    ("pencil-cup-silver", MeshCup, Technical, Adversarial, [92, 92, 102], 130),
    ("shower-basket", Basket, Label, Adversarial, [220, 130, 82], 210),
    ("fruit-basket-black", Basket, Plain, Adversarial, [200, 160, 90], 260),
    ("peg-basket", Basket, Packaged, Adversarial, [150, 110, 96], 150),
    ("ice-cube-tray", Tray, Poster, Adversarial, [270, 110, 34], 140),
    ("ice-cube-tray-black", Tray, Technical, Adversarial, [240, 100, 30], 125),
];

fn fragility(family: Family) -> Fragility {
    match family {
        Jar | Polybag | Pouch | NetBag | Tray => Fragility::Fragile,
        Can | Book | Tin | Brush | Cloth | SoftPack | MeshCup => Fragility::Sturdy,
        _ => Fragility::Normal,
    }
}

fn good(number: usize, row: &Row) -> Option<Good> {
    let &(name, family, print, _, size_mm, grams) = row;
    let seed = name.bytes().fold(1_469_598_103u64, |h, b| (h ^ u64::from(b)).wrapping_mul(1_099_511_628_211));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let brand = draw_brand(&mut rng);
    let product = name.split('-').next()?;
    let mut art = draw_artwork(brand, product, format!("{grams}g"), &mut rng);
    let black = name.split('-').any(|word| word == "black");
    if black {
        art.brand.base = [0.07, 0.07, 0.075];
    }
    let slip = match (number % 20, number / 20 % 3) {
        (7, 0) => Slip::Mass(1.22),
        (7, 1) => Slip::Side(2, 1.18),
        (7, _) => Slip::Mass(0.78),
        (13, _) => Slip::NoMass,
        _ => Slip::None,
    };
    Some(Good {
        name: SkuName::new(name).ok()?,
        family,
        print,
        size_m: size_mm.map(|mm| f64::from(mm) / 1e3),
        mass_kg: f64::from(grams) / 1e3,
        fragility: fragility(family),
        art,
        black,
        slip,
    })
}

/// The 126 SKUs of the goods, made by code: the same ones each time.
#[must_use]
pub fn goods_catalogue() -> Vec<TrueSku> {
    ROWS.iter().enumerate().filter_map(|(k, row)| good(k, row)).map(|g| build_good(&g)).collect()
}

/// The class of each of the goods by its name.
#[must_use]
pub fn goods_classes() -> Vec<(&'static str, Class)> {
    ROWS.iter().map(|row| (row.0, row.3)).collect()
}

/// Family and print style of each of the goods by its name.
#[must_use]
pub fn goods_families() -> Vec<(&'static str, Family, PrintStyle)> {
    ROWS.iter().map(|row| (row.0, row.1, row.2)).collect()
}
