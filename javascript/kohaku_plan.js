// The live plan: asked for shortly after the last change, its tables' choices, its sliders. Simple mode likewise.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 300;
    const LOST = 15000;
    let timer = 0;
    let asked = 0;
    let changed = false;
    let dragging = false;
    let blocks = {network: '', shares: {}};
    let focused = '';

    // While a request is under way gradio drops further ones, so the last change would be lost without "changed".
    function ask() {
        if (dragging || (asked && Date.now() - asked < LOST)) {
            changed = true;
            return;
        }
        asked = Date.now();
        changed = false;
        kohaku.press('plan_button');
    }

    function choices() {
        const read = kohaku.parse(kohaku.read('choices') || '{}', {});
        return {files: Object.assign({}, read.files), base: read.base || ''};
    }

    function choose(change) {
        const made = choices();
        change(made);
        kohaku.write(kohaku.field('choices'), JSON.stringify(made));
        kohaku.plan.soon();
    }

    function option(value, text) {
        const element = document.createElement('option');
        element.value = value;
        element.textContent = text;
        return element;
    }

    function fill(select) {
        if (select.dataset.kohakuFilled) return;
        select.dataset.kohakuFilled = '1';
        const likely = kohaku.parse(select.dataset.kohakuSuggestions || '[]', []);
        const models = kohaku.candidates().models;
        const ordered = models.filter((model) => likely.includes(model.name))
            .concat(models.filter((model) => !likely.includes(model.name)));
        for (const model of ordered) {
            if (model.file !== select.value) select.append(option(model.file, model.file));
        }
    }

    // One click on a suggested file: role to the name of a checkpoint, without folder and ending.
    function takeSuggested(suggested) {
        const models = kohaku.candidates().models;
        choose((made) => {
            for (const [role, name] of Object.entries(suggested)) {
                const model = models.find((item) => item.name === name) ||
                    models.find((item) => item.file.split('/').pop().replace(/\.[^.]*$/, '') === name);
                if (model) made.files[role] = model.file;
            }
        });
    }

    function currentPlan() {
        return document.querySelector('#kohaku_plan .kohaku-plan');
    }

    function declaration(name) {
        return new RegExp('(^|[\\n;])([ \\t]*\\$' + name + '[ \\t]*=[ \\t]*)([-+.\\deE]+)');
    }

    function setParameter(input) {
        input.parentElement.querySelector('output').textContent = input.value;
        const box = kohaku.field('formula');
        kohaku.write(box, box.value.replace(declaration(input.dataset.kohakuParameter),
            (all, start, left) => start + left + input.value));
    }

    // The plan is of the formula as it was when it was asked for; the sliders show it as it is.
    function showParameters() {
        const formula = kohaku.read('formula');
        for (const input of document.querySelectorAll('#kohaku_plan [data-kohaku-parameter]')) {
            const found = formula.match(declaration(input.dataset.kohakuParameter));
            if (!found || Number(found[3]) === Number(input.value)) continue;
            input.value = found[3];
            input.parentElement.querySelector('output').textContent = input.value;
        }
    }

    // Every plan is new elements: who works with the keyboard stays where they were.
    function selectorOf(element) {
        const plan = element.closest('#kohaku_plan');
        if (!plan) return '';
        for (const name of ['kohakuRole', 'kohakuParameter']) {
            const attribute = name === 'kohakuRole' ? 'data-kohaku-role' : 'data-kohaku-parameter';
            if (element.dataset[name] !== undefined) return '[' + attribute + '="' + CSS.escape(element.dataset[name]) + '"]';
        }
        return element.name === 'kohaku-base' ? 'input[name=kohaku-base][value="' + CSS.escape(element.value) + '"]' : '';
    }

    function keepFocus() {
        if (!focused || document.activeElement !== document.body) return;
        const element = document.querySelector('#kohaku_plan ' + focused);
        if (element) element.focus({preventScroll: true});
    }

    function goTo(place) {
        const [line, column, length] = place.split(':').map(Number);
        const box = kohaku.field('formula');
        const start = box.value.split('\n').slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
        box.focus();
        box.setSelectionRange(start, start + length);
    }

    function markRecipe(formula) {
        kohaku.tab().classList.toggle('kohaku-blank', !(formula || '').trim());
        const plan = currentPlan();
        const used = plan ? plan.dataset.kohakuRecipe : '';
        for (const card of document.querySelectorAll('#kohaku_recipe_cards .kohaku-card')) {
            const name = card.querySelector('.kohaku-card-use').dataset.kohakuValue;
            const current = Boolean(used) && name === used;
            card.classList.toggle('kohaku-used', current);
            if (!current) continue;
            // There is a plan, so nothing is missing any more: files were chosen in the table.
            const badge = card.querySelector('.kohaku-badge');
            badge.classList.add('kohaku-ready');
            badge.textContent = 'ready';
        }
    }

    function onChange(event) {
        const target = event.target;
        if (target.dataset.kohakuRole !== undefined) {
            choose((made) => {
                made.files[target.dataset.kohakuRole] = target.value;
            });
        } else if (target.name === 'kohaku-base') {
            choose((made) => {
                made.base = target.value;
            });
        }
    }

    function drop() {
        if (!dragging) return;
        dragging = false;
        kohaku.plan.soon();
    }

    kohaku.plan = {
        start: function(tab) {
            tab.addEventListener('change', onChange);
            tab.addEventListener('input', function(event) {
                if (event.target.dataset.kohakuParameter) setParameter(event.target);
            });
            tab.addEventListener('pointerdown', function(event) {
                if (event.target.dataset.kohakuParameter) dragging = true;
            });
            for (const kind of ['pointerup', 'pointercancel']) window.addEventListener(kind, drop);
            document.addEventListener('focusin', (event) => {
                focused = selectorOf(event.target);
            });
            document.addEventListener('pointerdown', (event) => {
                if (!event.target.closest('#kohaku_plan')) focused = '';
            });
            tab.addEventListener('click', function(event) {
                const place = event.target.closest('[data-kohaku-caret]');
                if (place) goTo(place.dataset.kohakuCaret);
                const guess = event.target.closest('[data-kohaku-suggest]');
                if (guess) takeSuggested(kohaku.parse(guess.dataset.kohakuSuggest, {}));
                const mended = event.target.closest('[data-kohaku-formula]');
                if (mended) kohaku.write(kohaku.field('formula'), mended.dataset.kohakuFormula);
            });
        },
        soon: function() {
            clearTimeout(timer);
            timer = setTimeout(ask, WAIT);
            return [];
        },
        // The plan of the form that these fields have now.
        arrived: function(names, values) {
            asked = 0;
            const form = Object.fromEntries(names.map((name, index) => [name, values[index]]));
            kohaku.draft.save(form);
            setTimeout(function() {
                document.querySelectorAll('#kohaku_plan select[data-kohaku-role]').forEach(fill);
                if (kohaku.read('formula') === form.formula) kohaku.weights.take(currentPlan());
                kohaku.weights.refresh();
                markRecipe(form.formula);
                showParameters();
                kohaku.jobs.planned();
                keepFocus();
                if (changed) kohaku.plan.soon();
            }, 0);
            return [];
        },
        // The share of the parameters that each block of a network has, where that is known.
        blocks: function(network) {
            const plan = currentPlan();
            // While a formula is being typed there is no plan; the last one's blocks are as large as before.
            if (plan && plan.dataset.kohakuBlocks) {
                blocks = {network: plan.dataset.kohakuNetwork, shares: kohaku.parse(plan.dataset.kohakuBlocks, {})};
            }
            return blocks.network === network ? blocks.shares : {};
        }
    };

    kohaku.simple = {
        expect: function() {
            kohaku.formula.expect('simple_write');
            return [];
        },
        soon: function() {
            kohaku.formula.soon('simple_write');
            return [];
        },
        written: function() {
            kohaku.formula.written('simple_write');
            return [];
        }
    };
})();
