/** The licences of all that a VSIX holds and that others wrote. Something without a known licence fails the package. */
import fs from "node:fs";
import path from "node:path";

const licenseFile = /^(licen[cs]e|copying)([-.].*)?$/i;

/**
 * The npm packages that esbuild put into the bundles.
 *
 * @param {string} root the checkout
 * @param {string} metaDirectory folder of esbuild's metafiles
 * @returns {{ name: string, version: string, license: string, text: string }[]} by name
 */
export function bundledPackages(root, metaDirectory) {
  const folders = new Set();
  for (const file of fs.readdirSync(metaDirectory)) {
    const { outputs } = JSON.parse(fs.readFileSync(path.join(metaDirectory, file), "utf8"));
    // Of the inputs only those of which something is left in an output.
    for (const input of Object.values(outputs).flatMap((output) => Object.keys(output.inputs))) {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0];
      if (folder !== undefined) folders.add(folder);
    }
  }
  return [...folders]
    .map((folder) => describe(path.join(root, folder)))
    .sort((a, b) => a.name.localeCompare(b.name, "en"));
}

function describe(folder) {
  const { name, version, license } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const files = fs.readdirSync(folder).filter((file) => licenseFile.test(file));
  const text = files.map((file) => fs.readFileSync(path.join(folder, file), "utf8").trim()).join("\n\n");
  if (!license) throw new Error(`${name} is bundled and names no licence`);
  // A licence named by its SPDX identifier alone: its author ships no text.
  return { name, version, license, text: text || `Licensed under ${license}.` };
}

/** What is inside the native files. `libraries`: names of files in the stage that are theirs. */
const nativeParts = [
  {
    name: "MLX",
    license: "MIT",
    libraries: /^(libmlx\.(so|dylib)|mlx\.metallib)$/,
    // The wheel's own copy belongs to the version that is shipped.
    wheelLicense: true,
  },
  { name: "{fmt} (in MLX)", license: "MIT", texts: ["fmt.txt"] },
  { name: "JSON for Modern C++ (in MLX)", license: "MIT", texts: ["nlohmann-json.txt"] },
  { name: "gguflib (in MLX)", license: "MIT", texts: ["gguflib.txt"] },
  { name: "pocketfft (in MLX)", license: "BSD-3-Clause", texts: ["pocketfft.txt"] },
  { name: "xxHash (in the addon)", license: "BSD-2-Clause", texts: ["xxhash.txt"] },
  { name: "XGrammar (in the addon)", license: "Apache-2.0", texts: ["xgrammar.txt"] },
  { name: "DLPack (in XGrammar)", license: "Apache-2.0", texts: ["xgrammar.txt"] },
  { name: "picojson (in XGrammar)", license: "BSD-2-Clause", texts: ["picojson.txt"] },
  { name: "BLAS and LAPACK", license: "BSD-3-Clause", libraries: /^lib(blas|lapack)[-.]/, texts: ["lapack.txt"] },
  {
    name: "libgfortran",
    license: "GPL-3.0-or-later WITH GCC-exception-3.1",
    libraries: /^libgfortran[-.]/,
    texts: ["gcc-runtime-library-exception.txt", "gpl-3.0.txt"],
  },
  {
    name: "libquadmath",
    license: "LGPL-2.1-or-later",
    libraries: /^libquadmath[-.]/,
    texts: ["lgpl-2.1.txt"],
  },
];

/** @returns the parts that are in the stage, as `bundledPackages` describes its own */
export function shippedNativeParts(root, platform) {
  const stage = path.join(root, "native", "stage", platform);
  const files = fs
    .readdirSync(stage, { recursive: true })
    .filter((file) => fs.statSync(path.join(stage, file)).isFile());
  const libraries = files.map((file) => path.basename(file)).filter((file) => file !== "resident.node");
  const unknown = libraries.filter((library) => !nativeParts.some((part) => part.libraries?.test(library)));
  if (unknown.length > 0) throw new Error(`no licence is known for ${unknown.join(", ")}: add it to native/package`);
  return nativeParts
    .filter((part) => part.libraries === undefined || libraries.some((library) => part.libraries.test(library)))
    .map(({ name, license, texts, wheelLicense }) => {
      const paths = wheelLicense
        ? [mlxLicense(root, platform)]
        : texts.map((file) => path.join(root, "native", "licenses", file));
      return {
        name,
        version: "",
        license,
        text: paths.map((file) => fs.readFileSync(file, "utf8").trim()).join("\n\n"),
      };
    });
}

function mlxLicense(root, platform) {
  const wheel = path.join(root, "native", "mlx", platform);
  const info = fs.readdirSync(wheel).find((name) => /^mlx_(cpu|metal)-.*\.dist-info$/.test(name));
  if (info === undefined) throw new Error(`${wheel} lacks MLX's licence: run "npm run setup" again`);
  return path.join(wheel, info, "licenses", "LICENSE");
}

/** The text of THIRD_PARTY_LICENSES.txt. */
export function thirdPartyLicenses(parts) {
  const line = "-".repeat(100);
  const list = parts.map(({ name, version, license }) => `${[name, version].filter(Boolean).join(" ")}: ${license}`);
  const texts = parts.map(
    ({ name, version, text }) => `${line}\n${[name, version].filter(Boolean).join(" ")}\n${line}\n\n${text}`,
  );
  return `Resident contains the following software.\n\n${list.join("\n")}\n\n${texts.join("\n\n")}\n`;
}
