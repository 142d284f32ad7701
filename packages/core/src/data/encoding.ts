import type { Note } from "./notes.js";

/** How the target is understood: a number, a count (not negative), one of two labels, or one of several classes. */
export type Task = "regression" | "count" | "binary" | "multiclass";

/** What becomes of missing cells: an error that counts them, rows left out, or cells filled in. */
export type MissingRule = "error" | "drop" | "mean";

/** What a weight says: how many rows of the population a row stands for, or how often the row was observed. */
export type WeightsKind = "sampling" | "frequency";

/** Columns are given by name, or by position ("#3": the third) where no column has that name. */
export interface EncodeOptions {
  /** The target's column. */
  readonly target: string;
  /** Default "auto": two labels or two values are binary, other numbers are regression. */
  readonly task?: Task | "auto";
  /** The label that becomes +1 (default: true, yes or 1, else the second in sorted order). */
  readonly positive?: string;
  /** Default "error". "mean" fills numbers with their training mean and makes a level "(missing)" of missing text. */
  readonly missing?: MissingRule;
  /** Default true: every feature gets weighted mean 0 and standard deviation 1 over the training rows. */
  readonly standardize?: boolean;
  /** Default true: the model has an intercept, so the first level of each text column gets no feature. */
  readonly intercept?: boolean;
  /** A column of row weights: finite, not negative, not all 0. It is no feature. */
  readonly weights?: string;
  /** Default "sampling". Frequency weights are whole numbers. */
  readonly weightsKind?: WeightsKind;
  /**
   * "balanced": in the fit every row's weight is multiplied by W / (K·W_c), the K classes' weights being W_c and their sum
   * W, over the training rows. It changes neither the scaling of features nor `evaluationWeights`. Targets of labels only.
   */
  readonly classWeight?: "balanced";
  /** Columns to leave out. */
  readonly exclude?: readonly string[];
  /** Columns to use although they look like identifiers. */
  readonly keep?: readonly string[];
  /** A column of groups that folds must not tear apart. It is no feature. */
  readonly splitBy?: string;
  /** A column that says which rows were drawn together, without missing cells. It is no feature; folds keep clusters whole. */
  readonly cluster?: string;
  /** A column by whose groups results are repeated. It stays a feature unless it is left out in another way. */
  readonly by?: string;
}

/** The two labels of a binary target: −1 and +1. */
export interface Labels {
  readonly negative: string;
  readonly positive: string;
}

/** What each class's weights are multiplied by, in the order of the classes; of two labels the negative one first. */
export type ClassFactors = readonly number[];

/** How a column groups the rows that results are repeated for. `names` are those of the training rows. */
export type ByEncoding =
  | { readonly kind: "levels"; readonly column: string; readonly names: readonly string[] }
  | {
      readonly kind: "intervals";
      readonly column: string;
      readonly names: readonly string[];
      /** 1 to 3, ascending: group k holds the values in (cuts[k − 1], cuts[k]]. */
      readonly cuts: readonly number[];
    };

/** One column of the encoded matrix. */
export interface FeatureInfo {
  /** The column's name; `column=level` where the column holds text. */
  readonly name: string;
  readonly column: string;
  /** The level that an indicator stands for; null for numbers and for boolean columns. */
  readonly level: string | null;
  readonly kind: "numeric" | "indicator";
  /** Exactly two values occur. */
  readonly twoValued: boolean;
  /** How many distinct whole numbers occur, where nothing else does and they are at most 20. */
  readonly integerValues: number | null;
  /** The model sees (value − mean) / scale: 0 and 1 when not standardised. The scale is never 0. */
  readonly mean: number;
  readonly scale: number;
  /** Over the training rows, in original units. */
  readonly minimum: number;
  readonly maximum: number;
}

/** How one column of the table becomes features. */
export type ColumnEncoding =
  | { readonly kind: "numeric"; readonly column: string; readonly fill: number }
  | { readonly kind: "boolean"; readonly column: string; readonly fill: number }
  | {
      readonly kind: "categorical";
      readonly column: string;
      /** Every level of the training rows; the first has no feature where `features` is one shorter. */
      readonly levels: readonly string[];
      /** Levels that have a feature, in order. */
      readonly features: readonly string[];
      /** Each feature's training mean: what a missing cell gets where missing is no level. */
      readonly fill: readonly number[];
    };

/** How the target's cells become numbers: y is −1 and +1 for two labels, the index of the class for several. */
export interface TargetEncoding {
  readonly column: string;
  readonly task: Task;
  readonly labels: Labels | null;
  /** K labels in sorted order (numbers by value), or null. */
  readonly classes: readonly string[] | null;
}

/** Everything needed to encode another file alike. Plain data: it survives JSON. */
export interface Encoding {
  readonly target: TargetEncoding;
  readonly columns: readonly ColumnEncoding[];
  /** m, in the order of the matrix. */
  readonly features: readonly FeatureInfo[];
  readonly missing: MissingRule;
  readonly standardized: boolean;
  readonly intercept: boolean;
  readonly weights: string | null;
  readonly weightsKind: WeightsKind;
  readonly classFactors: ClassFactors | null;
  readonly splitBy: string | null;
  readonly cluster: string | null;
  readonly by: ByEncoding | null;
  /** What was decided about the training table's columns. */
  readonly notes: readonly Note[];
}

/** The level that missing text becomes under "mean", and the group of rows whose cell to group by is missing. */
export const missingLevel = "(missing)";
