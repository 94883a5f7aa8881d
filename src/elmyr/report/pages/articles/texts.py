"""What the page of `elmyr articles` says of each system, its settings and its trainings, in tables."""

# A preset's networks, by the name of the preset that they came with.
LAYERS = {
    "mlp": (
        "Generator: four dense layers of 128, 256, 512 and 1,024 units (ReLU), then the pixels (sigmoid). "
        "Discriminator: four dense layers of 1,024, 512, 256 and 128 units (ReLU), then one score."
    ),
    "dcgan": (
        "Generator: a dense layer to 256 maps of a quarter of the size, then three transposed 5x5 "
        "convolutions with batch normalization and LeakyReLU, tanh at the end. Discriminator: two 5x5 "
        "convolutions of stride 2 with 64 and 128 channels (LeakyReLU), then one score."
    ),
    "mlp-cnn": (
        "Generator: two dense layers of 128 units (LeakyReLU), then the pixels (tanh). Discriminator: two 5x5 "
        "convolutions of stride 2 with 64 and 128 channels (LeakyReLU), then one score."
    ),
    "dcgan64": (
        "Generator: four dense layers of 128, 128, 1,024 and 1,024 units, then four transposed 4x4 "
        "convolutions of stride 2 with batch normalization, tanh at the end. Discriminator: three 4x4 "
        "convolutions of stride 2 with 64, 128 and 128 channels (LeakyReLU), then one score."
    ),
    "classic": (
        "Generator: three dense layers of 256, 512 and 1,024 units (LeakyReLU), then the pixels (tanh). "
        "Discriminator: two 4x4 convolutions of stride 2 with 64 and 128 channels (LeakyReLU), then one "
        "score. The article gives no layers: these are the usual ones."
    ),
    "cnn": "The networks of dcgan, which are convolutional, with the objective and the rates of mlp.",
    "joined": (
        "Transposed convolutions whose last layer sees low and high features joined, against a discriminator that "
        "joins them too."
    ),
}
KINDS = {
    "written": "as written",
    "text": "as the text has it",
    "cured": "cured",
    "rescued": "rescued by the training monitor",
}
SIDES = {"cured": "side cured", "rescued": "side cured"}  # the colors of captions; "side" where not here
SETTINGS = {
    "conditional": "the networks are told the class",
    "batch": "images in a batch",
    "loop.decay_from": "share of the training after which the learning rates fall",
    "adversarial.objective": "objective",
    "adversarial.label_smoothing": "target for real images, short of certainty by",
    "adversarial.discriminator_steps": "steps of the discriminator for one of the generator",
    "adversarial.learning_rate": "learning rate of the generator",
    "adversarial.discriminator_learning_rate": "learning rate of the discriminator",
    "adversarial.beta1": "Adam's β1",
    "adversarial.beta2": "Adam's β2",
    "adversarial.ema_half_life": "half-life of the averaged generator, in images",
    "penalties.r1": "penalty on the discriminator's gradient at real images (R1)",
    "penalties.r2": "penalty on the discriminator's gradient at generated images (R2)",
    "penalties.weight_l1": "penalty on weights (L1)",
    "penalties.weight_l2": "penalty on weights (L2)",
    "stabilizers.instance_noise": "noise on the discriminator's inputs",
    "stabilizers.clip_gradients": "gradients clipped at a norm of",
    "stabilizers.freeze_above": "discriminator rests while its accuracy is above",
    "stabilizers.freeze_after": "discriminator rests after so many images",
    "auxiliary.classification": "the discriminator also predicts the class, weight",
    "auxiliary.information": "the discriminator also predicts part of the latent vector, weight",
    "code.values": "entries of the latent vector to be predicted",
    "augmentation.probability": "probability of augmentation",
}
REASONS = {  # by a setting, or by a setting and its new value
    "adversarial.objective=relativistic-pairing": "each generated image is judged beside a real one: one kind of image "
    "is no longer enough",
    "conditional=true": "any class can be asked for, and none can be left out",
    "penalties.r1": "keeps the discriminator smooth, so that its gradient shows the generator the way",
    "penalties.r2": "the same where the generated images are",
    "stabilizers.clip_gradients": "no single step is too large",
    "auxiliary.classification": "every image has to be of the requested class",
    "code.values": "each of them has to change the image visibly: more variety within a class",
    "adversarial.ema_half_life": "the model is an average over many steps: steadier images",
    "adversarial.beta1": "less inertia: each network follows the other at once",
    "loop.decay_from": "ever smaller steps: finer details",
}
CAUSES = {  # of what the training monitor calls
    "mode collapse": (
        "Why: the generator has found an image that the discriminator takes for real, and makes it whatever the latent "
        "vector. Nothing in the objective rewards variety."
    ),
    "the discriminator has won": (
        "Why: the discriminator is sure of every image. Its gradient then no longer says how to make better ones."
    ),
    "oscillation": (
        "Why: the generator jumps to another image whenever the discriminator has learned to reject the last."
    ),
}
RECOGNIZED = {
    "real": "{real} real images",
    "written": "{real} real and {generated} generated as written",
    "cured": "{real} real and {generated} generated by the cured system",
    "generated": "{generated} generated by the cured system alone",
}
RECOGNIZED_COLORS = {"real": "real", "written": "generated", "cured": "better", "generated": "better"}
SHOWN = (
    "frechet_distance", "kernel_distance", "inception_score", "precision", "recall", "coverage", "diversity",
    "class_divergence", "label_accuracy", "told_apart",
)  # fmt: skip
