/** The header that the file of the Adult data lacks. */
export const ADULT =
  "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,capital_loss,hours_per_week,native_country,income";
