// hls.js without captions and encryption, of which a lesson's program has none: two thirds of its size.
declare module "hls.js/light" {
  export { default } from "hls.js";
}
