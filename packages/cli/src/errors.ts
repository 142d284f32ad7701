import { AifError } from "@aif/core";

export const usageError = (message: string): AifError => new AifError("usage", message);
export const inputError = (message: string): AifError => new AifError("input", message);
