// Completion in the webui's own prompt boxes: an option, and never beside tagcomplete.
//
// While it is off nothing listens to anything but the webui's settings.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const OPTION = 'kohaku_complete_prompts';
    const BOXES = ['txt2img_prompt', 'txt2img_neg_prompt', 'img2img_prompt', 'img2img_neg_prompt', 'hires_prompt', 'hires_neg_prompt']
        .map((id) => '#' + id + ' textarea').join(', ');
    let stop = null;

    // Its scripts make this variable, its settings have these names, whatever its folder is called.
    function tagcompleteIsHere() {
        return 'TAC_CFG' in window || Object.keys(window.opts || {}).some((name) => name.startsWith('tac_'));
    }

    function settle() {
        const wanted = (window.opts || {})[OPTION] === true && !tagcompleteIsHere();
        if (wanted && !stop) {
            stop = prompt.completeIn(document, {
                applies: (element) => element.tagName === 'TEXTAREA' && element.matches(BOXES),
                question: (element) => ({
                    profile: prompt.chosenProfile || '',
                    negative: element.closest('[id$="_neg_prompt"]') !== null
                })
            });
        } else if (!wanted && stop) {
            stop();
            stop = null;
        }
    }

    if (typeof window.onOptionsAvailable === 'function') window.onOptionsAvailable(settle);
    if (typeof window.onOptionsChanged === 'function') window.onOptionsChanged(settle);
})();
