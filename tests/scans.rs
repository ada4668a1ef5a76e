//! The scan camera's pictures and the barcode reader together.
#![cfg(test)]

use perception::{BarcodeRead, read_barcodes};
use sim::look::goods_catalogue;
use sim::scan::scan;

mod slow {
    use super::*;

    #[test]
    fn goods_are_read_at_the_scan_station_where_their_code_is_seen_and_none_is_read_wrong() {
        let (mut read, mut tried) = (0, 0);
        for (sku, seed) in goods_catalogue().iter().step_by(16).zip(0u64..) {
            let [x, y, z] = sku.sku.size_m;
            let areas = [y * z, x * z, x * y];
            let axis = (0..3).fold(0, |best, a| if areas[a] > areas[best] { a } else { best });
            let pictures = scan(sku, (axis, seed % 2 == 0), seed);
            let codes: Vec<BarcodeRead> = pictures
                .flat_map(|picture| read_barcodes(&picture.grey, picture.width, picture.height).unwrap())
                .collect();
            tried += 1;
            read += usize::from(!codes.is_empty());
            println!("{} {:?}", sku.sku.name, codes.iter().map(|c| &c.text).collect::<Vec<_>>());
            for code in &codes {
                assert_eq!(Some(&code.text), sku.sku.barcode.as_ref(), "{}", sku.sku.name);
            }
        }
        println!("{read} of {tried} read");
        assert!(2 * read >= tried, "{read} of {tried} goods are read");
    }
}
