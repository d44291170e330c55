// What an entry of a legend stands for, where it leads to the pictures that have it.

/** The index of a class that is predicted, or an outcome. */
export type LegendCounts = number | "tp" | "fp" | "fn";
