import type { RemoteFile } from "./fetch-file.js";

/** A public data set that `aif data` fetches. */
export interface RemoteDataSet {
  readonly name: string;
  readonly title: string;
  /** Addresses ending in "/", the first that answers is used. */
  readonly mirrors: readonly string[];
  readonly files: readonly RemoteFile[];
}

export const DATA_SETS: readonly RemoteDataSet[] = [
  {
    name: "mnist",
    title: "MNIST, 70,000 pictures of handwritten digits (12 MB)",
    mirrors: ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
    files: [
      {
        name: "train-images-idx3-ubyte.gz",
        size: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
      },
      {
        name: "train-labels-idx1-ubyte.gz",
        size: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
      },
      {
        name: "t10k-images-idx3-ubyte.gz",
        size: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
      },
      {
        name: "t10k-labels-idx1-ubyte.gz",
        size: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
      },
    ],
  },
];
