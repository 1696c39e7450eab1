/** The bundler takes a page's style sheets out of its imports. */
declare module "*.css";
