use std::time::Instant;
use nalgebra::*;use rand::*;use sim::look::*;use rand_chacha::ChaCha8Rng;use scene::*;
fn cpu()->f64{let t=std::fs::read_to_string("/proc/self/stat").unwrap();let f:Vec<&str>=t.rsplit(')').next().unwrap().split_whitespace().collect();(f[11].parse::<f64>().unwrap())*10.0}
fn main(){
 let t=Instant::now(); let skus=generate(3,40,Style::Typical); println!("generate 40: {:?}",t.elapsed());
 let t=Instant::now(); let b=Backdrop::drawn(3); println!("backdrop {:?}",t.elapsed());
 let mut rng=ChaCha8Rng::seed_from_u64(3);
 let items:Vec<Placed>=(0..25).map(|i|{let sku=&skus[i%40];Placed{sku,id:i as u32,world_from_item:Pose::from_parts(Vector3::new(rng.random_range(-0.25..0.25),rng.random_range(-0.15..0.15),0.05+0.008*i as f64),UnitQuaternion::from_euler_angles(0.1,0.1,rng.random_range(0.0..6.0)))}}).collect();
 let tub=Tub{world_from_tub:Isometry3::identity(),size:[0.6,0.4,0.3],wall:0.012};
 let light=Light::drawn(2); let view=View::down([0.,0.,1.27],View::D415);
 let stage=Stage{items:&items,tubs:&[tub],blocks:&[],backdrop:&b,light:&light};
 let mut r=Renderer::new();
 for _ in 0..5{ let t=Instant::now(); let p=r.render(&stage,&view); let a=t.elapsed(); let t=Instant::now(); let im=sense(&p,&Sensor::default(),Timestamp::ZERO,&mut rng); println!("render {:?} sense {:?} {}",a,t.elapsed(),im.rgb[100]);}
 let n=60; let c=cpu(); for _ in 0..n{r.render(&stage,&view);} let d=cpu(); println!("render cpu {} ms",(d-c)/n as f64); let p=r.render(&stage,&view); let c=cpu(); for _ in 0..n{sense(&p,&Sensor::default(),Timestamp::ZERO,&mut rng);} println!("sense cpu {} ms",(cpu()-c)/n as f64);
 let dir=std::path::Path::new("/work/scratch/B/tmpset");
 let t=Instant::now(); let mut s=set::SetWriter::new(dir,&skus[..2]).unwrap(); println!("new with 2 skus {:?}",t.elapsed());
 let p=r.render(&stage,&view); let im=sense(&p,&Sensor::default(),Timestamp::ZERO,&mut rng);
 let items2:Vec<Placed>=items.iter().map(|i|Placed{sku:&skus[0],..*i}).collect();
 for _ in 0..3{let t=Instant::now(); s.add(&set::SetScene{rendered:&p,image:&im,items:&items2,manifest:&[],world_from_tote:Pose::identity()}).unwrap(); println!("add {:?}",t.elapsed());}
}
