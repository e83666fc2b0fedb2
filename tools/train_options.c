// SPDX-License-Identifier: MIT
// What clgrad train is told: its options, what they say about each other, and its help.
#include "fashion.h"
#include "training.h"

#include <string.h>
#include <sys/stat.h>

enum { EPOCHS = KEPT };
#define AT(member) offsetof(train_options, member)
static const option options[] = {
    [KEPT_BATCH] = { "--batch", OPTION_WHOLE, AT(batch), "N", "pictures per step", "32, fashion-mnist 128", .lo = 1,
                     .hi = 1e5 },
    [KEPT_SEED] = { "--seed", OPTION_WHOLE, AT(seed), "N", "of everything random", .hi = 0x1p53 - 1 },
    [KEPT_LR] = { "--lr", OPTION_REAL, AT(lr), "X", "highest learning rate of the schedule",
                  "the network's, fashion-mnist 0.003", .lo = 1e-9, .hi = 1e3 },
    [KEPT_NET] = { "--net", OPTION_ONE, AT(net), "NET", "cnn, resnet8, resnet18, mobilenet_v2 or vit_tiny", "cnn",
                   .choice = classifier_choice },
    [KEPT_SIZE] = { "--size", OPTION_WHOLE, AT(size), "N",
                    "side that pictures are brought to: the shorter one is resized, the middle cut out",
                    "64, resnet18 and mobilenet_v2 128", .lo = 8, .hi = 1024 },
    [KEPT_AUGMENT] = { "--augment", OPTION_ONE, AT(augment), "HOW",
                       "what is made of pictures to learn from, by name, see below", "light",
                       .choice = augment_choice },
    [KEPT_VAL] = { "--val", OPTION_REAL, AT(val), "X",
                   "share of each class to be tested on, chosen by the seed, where there is no folder for it", "0.2",
                   .lo = 0, .hi = 0.99 },
    [KEPT_OPTIM] = { "--optim", OPTION_ONE, AT(optim), "RULE", "adam, adamw or sgd (with momentum 0.9)", "the network's",
                     .choice = optim_choice },
    [KEPT_SCHEDULE] = { "--schedule", OPTION_ONE, AT(schedule), "HOW", "one-cycle or cosine", "one-cycle",
                        .choice = schedule_choice },
    [KEPT_AMP] = { "--amp", OPTION_ONE, AT(amp), "TYPE", "none, f16 or bf16: products and convolutions in this type",
                   "none", .choice = amp_choice },
    [EPOCHS] = { "--epochs", OPTION_WHOLE, AT(epochs), "N", "how often to see each picture", "10, fashion-mnist 3",
                 .lo = 1, .hi = 1e6 },
    { "--steps", OPTION_WHOLE, AT(steps), "N", "stop and save after N steps in all, for short trials", .lo = 1, .hi = 1e12 },
    { "--data", OPTION_TEXT, AT(data), "DIR", "where fashion-mnist is", "/usr/share/datasets/fashion-mnist" },
    OPTION_DEVICE(AT(device)),
    { "--out", OPTION_TEXT, AT(out), "DIR", "where results go" },
    { "--watch", OPTION_FLAG, AT(watch), NULL,
      "stop at the first number that is NaN or infinite, before it reaches a weight, and say which operation made it" },
    { "--stats", OPTION_WHOLE, AT(stats), "N",
      "look at every layer each N steps: statistics.csv, layers.png, and a sentence where something is wrong", "never", .lo = 1,
      .hi = 1e12 },
    { "--resume", OPTION_FLAG, AT(resume), NULL, "go on with the run in --out" },
    { "--json", OPTION_FLAG, AT(json), NULL, "print one JSON object per epoch; notes go to stderr" },
    { 0 },
};

static const train_options normal = { .out = "run", .seed = 1 };

static bool is_folder(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

// What was not given, by what is trained.
static void fill_in(train_options *o)
{
    const classifier *net = classifier_find(o->net ? o->net : "cnn");
    o->net = net->name;
    o->optim = o->optim ? o->optim : !o->folder ? optim_choice(0) : optim_choice(net->sgd ? 2 : 1);
    o->schedule = o->schedule ? o->schedule : schedule_choice(0);
    o->amp = o->amp ? o->amp : amp_choice(0);
    o->augment = o->augment ? o->augment : augment_choice(o->folder ? 1 : 0);
    o->size = o->size ? o->size : o->folder ? net->size : SIDE;
    o->epochs = o->epochs ? o->epochs : o->folder ? 10 : 3;
    o->batch = o->batch ? o->batch : o->folder ? 32 : 128;
    o->lr = o->lr > 0 ? o->lr : default_rate(net, o->optim);
    o->val = o->gave[KEPT_VAL] ? o->val : o->folder ? 0.2 : 0;
}

static int check_word(train_options *o, const char *word)
{
    static const int folders[] = { KEPT_NET, KEPT_SIZE, KEPT_AUGMENT, KEPT_VAL };
    static const char *const names[] = { "--net", "--size", "--augment", "--val" };
    if (!word)
        return usage_error("train", "what to train on? A folder of pictures, or fashion-mnist");
    o->folder = strcmp(word, "fashion-mnist") != 0;
    if (o->folder && !strchr(word, '/') && !is_folder(word))
        return usage_error("train", "cannot train on '%s': it is no folder, and the data set that is known is fashion-mnist",
                           word);
    for (int i = 0; i < 4 && !o->folder; i++) {
        if (o->gave[folders[i]])
            return usage_error("train", "%s is for folders of pictures, fashion-mnist is as it is", names[i]);
    }
    if (o->folder && o->data)
        return usage_error("train", "--data is for fashion-mnist, and '%s' is the data already", word);
    o->data = o->folder ? word : o->data ? o->data : "/usr/share/datasets/fashion-mnist";
    if (strlen(o->out) > 900 || strlen(o->data) > 900)
        return usage_error("train", "--out, --data and DIR may be 900 bytes long, no more");
    return EXIT_OK;
}

int train_check(train_options *o, const arguments *w)
{
    for (int i = 0; i < KEPT; i++)
        o->gave[i] = w->given[i];
    o->gave_epochs = w->given[EPOCHS];
    const int code = check_word(o, w->n > 0 ? w->word[0] : NULL);
    if (code != EXIT_OK)
        return code;
    fill_in(o);
    return EXIT_OK;
}

// What options say about each other, those of a run that goes on too.
int train_check_data(const training *t)
{
    const train_options *o = &t->o;
    const char *why = o->folder ? classifier_refuses(classifier_find(o->net), o->size) : NULL;
    if (why)
        return usage_error("train", "--size %ld: %s does not take it, %s", o->size, o->net, why);
    if (t->d->has_tests && o->gave[KEPT_VAL])
        return usage_error("train", "--val: %s has pictures to be tested on in a folder of their own", t->d->path);
    if (o->watch && choose(amp_choice, o->amp) == amp_choice(1))
        return usage_error("train", "--watch stops at an overflow, which --amp f16 finds its loss scale by");
    return EXIT_OK;
}

const description train_command = {
    .name = "train",
    .summary = "train a network and watch it learn",
    .usage = (const char *const[]) { "DIR [OPTION...]", "fashion-mnist [OPTION...]", NULL },
    .about =
        "Train a network to say what pictures show, and test it on others after each epoch.\n\n"
        "DIR holds a folder for each class, with PNG and JPEG files of any size in it; or DIR/train holds these, and "
        "DIR/val or DIR/test the pictures to be tested on. Files that cannot be read are named and left out. Where all "
        "pictures are gray the network is one for gray pictures.\n\n"
        "fashion-mnist are 60,000 gray pictures of clothes, 28 x 28, and 10,000 others to be tested on; a small "
        "convolutional network (two convolutions with batch norm, two linear layers, Adam) learns them. People who sort "
        "them by eye get 83.5 % right.",
    .operands = (const help_row[]) { { "DIR", "a folder of pictures" },
                                     { "fashion-mnist", "the pictures of clothes, from --data" },
                                     { 0 } },
    .options = options,
    .normal = &normal,
    .size = sizeof normal,
    .results = (const help_row[]) {
        { "model.safetensors", "weights and all other state" },
        { "metrics.csv", "a row per epoch: loss, loss and accuracy of the test, seconds of training; nan where a kill lost them" },
        { "curve.png", "the same as curves" },
        { "confusion.png", "what was taken for what" },
        { "samples.png", "test pictures, the wrong ones marked" },
        { "statistics.csv", "with --stats: numbers about outputs, gradients, weights and updates of each layer" },
        { "layers.png", "with --stats: the same, layer by step" },
        { 0 },
    },
    .notes = "--augment, anew in each epoch: none; light, shifted and mirrored; strong, any part of the whole picture, mirrored, "
             "other colors, a rectangle erased; flip, mirrored; crop, shifted; resizedcrop, any part of the whole picture, from "
             "8 % of it on, and mirrored; colorjitter, mirrored, other brightness, contrast, saturation and hue; erasing, "
             "mirrored, a rectangle erased; randaugment, trivialaugmentwide, autoaugment (ImageNet's) and augmix, which are "
             "policies with their papers' numbers, behind any part from 25 % on, mirrored.\n\n"
             "Ctrl-C finishes the step, saves, and leaves with status 130. A run that was stopped, or killed, ends with "
             "--resume bit for bit like one that never was. It keeps its options, and refuses a folder whose "
             "files are others by now; with a larger "
             "--epochs it is trained on, along the learning rates of the longer run. Without --resume a new run "
             "starts, and what an earlier one left in --out is moved to a folder earlier-N there. The same seed gives "
             "the same weights on the same device and driver.",
    .examples = (const help_row[]) {
        { "clgrad train fashion-mnist", NULL },
        { "clgrad train photos --net resnet18 --augment strong", "photos/cat/1.jpg, photos/dog/2.png, ..." },
        { "clgrad train fashion-mnist --epochs 8 --out longer", NULL },
        { "clgrad train fashion-mnist --out longer --resume", "go on after Ctrl-C" },
        { 0 },
    },
    .words = 1,
    .run = train_run,
};
