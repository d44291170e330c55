// The trait `step` of a preview, which a comparison lacks.

/** A model that may have it. */
interface MayHaveStep {
  get(name: "step"): unknown;
}

/** The name of the trait, where there is one. */
export function stepOf(model: MayHaveStep): "step"[] {
  return model.get("step") === undefined ? [] : ["step"];
}
